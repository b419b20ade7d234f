//! The POSTs that are out, and what their answers mean.

use std::{cell::RefCell, future::Future};

use moorline_delivery::{PostId, Posted};
use moorline_protocol::{ErrorBody, ErrorFrame, GatewayFrame, decode, decode_gateway};
use web_sys::AbortController;

use super::http::{Answer, Request};

/// Every POST without an answer. On drop they are aborted.
#[derive(Default)]
pub(super) struct Posts {
    out: RefCell<Vec<(PostId, AbortController)>>,
}

impl Posts {
    /// Puts a POST on the network. It has no time limit of its own: the core aborts it.
    pub(super) fn begin(&self, post: PostId, request: &Request) -> impl Future<Output = Posted> + use<> {
        let controller = AbortController::new();
        let sent = controller.and_then(|controller| {
            let sent = request.send(Some(&controller.signal()));
            self.out.borrow_mut().push((post, controller));
            sent
        });
        async move {
            match sent {
                Ok(sent) => Answer::read(sent).await.map_or(Posted::NoAnswer, posted),
                Err(_) => Posted::NoAnswer,
            }
        }
    }

    /// Whether an answer is still waited for.
    pub(super) fn end(&self, post: PostId) -> bool {
        self.take(post).is_some()
    }

    pub(super) fn abort(&self, post: PostId) {
        if let Some(controller) = self.take(post) {
            controller.abort();
        }
    }

    fn take(&self, post: PostId) -> Option<AbortController> {
        let mut out = self.out.borrow_mut();
        let at = out.iter().position(|(id, _)| *id == post)?;
        Some(out.swap_remove(at).1)
    }
}

impl Drop for Posts {
    fn drop(&mut self) {
        for (_, controller) in self.out.take() {
            controller.abort();
        }
    }
}

fn posted(Answer { status, text, retry_after, .. }: Answer) -> Posted {
    if status == 204 {
        return Posted::Done;
    }
    if (200..300).contains(&status)
        && let Ok(GatewayFrame::Receipt(receipt)) = decode_gateway(&text)
    {
        return Posted::Receipt(receipt);
    }
    match decode::<ErrorBody>(&text) {
        Ok(ErrorBody { code, message, retry_after_ms }) if status >= 400 => {
            Posted::Refused(ErrorFrame { retry_after_ms: retry_after_ms.or(retry_after), ..ErrorFrame::new(code, message) })
        }
        _ => Posted::Status { status, retry_after },
    }
}
