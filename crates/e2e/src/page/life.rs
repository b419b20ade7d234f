//! A page's way through a browser: duplicated, left and come back to, asked whether it may go.

use std::{collections::HashSet, sync::Arc, time::Duration};

use fantoccini::error::{CmdError, ErrorStatus};
use serde_json::json;
use tokio::time::sleep;

use super::Page;
use crate::within;

/// Until a window that was asked for is there.
const APPEARS: Duration = Duration::from_secs(10);
/// The driver tells of windows and dialogs only when asked.
const ASK_AGAIN: Duration = Duration::from_millis(10);

impl Page {
    /// Duplicates the tab, as a user does: a window with the same address, and with a copy of the session storage as it is now.
    ///
    /// # Panics
    /// When no window appears.
    pub async fn duplicate(&self) -> Self {
        let client = &self.session.client;
        let known: HashSet<String> = client.windows().await.expect("the browser's windows").into_iter().map(String::from).collect();
        // With its opener: without one the storage would not be copied.
        self.run::<()>("globalThis.duplicate = window.open(location.href, '_blank', 'popup,width=900,height=700')").await;
        let made = within("the duplicate's window", APPEARS, async {
            loop {
                let windows = client.windows().await.expect("the browser's windows");
                if let Some(made) = windows.into_iter().find(|window| !known.contains(&String::from(window.clone()))) {
                    return made;
                }
                sleep(ASK_AGAIN).await;
            }
        });
        Self::new(Arc::clone(&self.session), made.await)
    }

    /// Follows a link: the page shown is left, and one step behind in the window's history.
    ///
    /// # Panics
    /// When the address does not open.
    pub async fn leave_for(&self, url: &str) {
        let _current = self.session.switch_to(&self.window).await;
        if let Err(error) = self.session.client.goto(url).await {
            panic!("{url} does not open: {error}");
        }
    }

    /// Goes one step back in the window's history.
    ///
    /// # Panics
    /// When there is none.
    pub async fn back(&self) {
        let _current = self.session.switch_to(&self.window).await;
        match self.session.client.back().await {
            Ok(()) => {}
            // It went: the driver asked a page that was not there any more whether it had come.
            Err(CmdError::Standard(error)) if error.error == ErrorStatus::Timeout && error.message.contains("aborted by navigation") => {}
            Err(error) => panic!("there is no page to go back to: {error}"),
        }
    }

    /// The cookies of the page's origin, as a request sends them; those that scripts cannot read too.
    ///
    /// # Panics
    /// When the browser fails.
    pub async fn cookies(&self) -> String {
        let _current = self.session.switch_to(&self.window).await;
        let cookies = self.session.client.get_all_cookies().await.expect("the page's cookies");
        cookies.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect::<Vec<_>>().join("; ")
    }

    /// Turns the mouse's wheel over the transcript; negative is up.
    ///
    /// # Panics
    /// When there is no transcript.
    pub async fn wheel(&self, delta: i32) {
        let place = "const box = document.querySelector('[data-transcript]').getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]";
        let (x, y): (f64, f64) = self.run(place).await;
        let wheel = json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta });
        self.devtools("Input.dispatchMouseEvent", wheel).await;
    }

    /// Waits until the browser asks whether the page may go, and answers.
    ///
    /// # Panics
    /// When it does not ask. Only a browser of [`crate::Browser::start_asking`] does.
    pub async fn answer_whether_it_may_go(&self, may: bool) {
        within("the browser to ask whether the page may go", APPEARS, async {
            loop {
                let _current = self.session.switch_to(&self.window).await;
                let client = &self.session.client;
                match if may { client.accept_alert().await } else { client.dismiss_alert().await } {
                    Ok(()) => return,
                    Err(error) if is_no_dialog(&error) => sleep(ASK_AGAIN).await,
                    Err(error) => panic!("the browser's question cannot be answered: {error}"),
                }
            }
        })
        .await;
    }
}

fn is_no_dialog(error: &CmdError) -> bool {
    matches!(error, CmdError::Standard(error) if error.error == ErrorStatus::NoSuchAlert)
}
