//! The harness's browser against a small static page, without a gateway.
//!
//! tests/page.html stands for the client: it writes into the document on its own, keeps storage, and throws on demand.

use std::{net::SocketAddr, time::Duration};

use moorline_e2e::{Browser, Scheme};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const SOON: Duration = Duration::from_secs(10);

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>harness</title>
<style>
  body { background: white } .box { width: 200px }
  @media (prefers-color-scheme: dark) { body { background: black } }
</style>
<p data-count>0</p>
<form onsubmit="return false">
  <textarea data-composer></textarea>
  <button data-send onclick="document.querySelector('[data-sent]').textContent = document.querySelector('textarea').value">Send</button>
</form>
<p data-sent></p>
<button data-throw onclick="throw new Error('thrown on demand')">Throw</button>
<script>
  let count = 0;
  setInterval(() => { document.querySelector("[data-count]").textContent = String(++count); }, 20);
</script>
"#;

/// Serves one page, under a policy as strict as the gateway's.
async fn static_page() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let policy = "script-src 'unsafe-inline'";
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: {policy}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    PAGE.len()
                );
                let _ = stream.write_all((head + PAGE).as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_driven_and_watched() {
    let url = format!("http://{}/", static_page().await);
    let browser = Browser::start().await;
    let page = browser.page().await;
    page.open(&url).await;

    // Conditions are seen as the document changes, under a policy that forbids eval.
    page.wait_for("a later count", "Number(document.querySelector('[data-count]').textContent) >= 5", SOON).await;
    page.send("two words").await;
    page.wait_for("the echo", "document.querySelector('[data-sent]').textContent === 'two words'", SOON).await;

    assert_eq!(page.console_errors().await, Vec::<String>::new());
    page.click("[data-throw]").await;
    let errors = page.console_errors().await;
    assert!(errors.len() == 1 && errors[0].contains("thrown on demand"), "{errors:?}");

    // A wait outlives a reload.
    page.run::<()>("setTimeout(() => location.reload(), 100)").await;
    page.wait_for("the reloaded page", "performance.getEntriesByType('navigation')[0].type === 'reload'", SOON).await;

    // A second window has session storage of its own, and both stay usable.
    page.run::<()>("sessionStorage.setItem('tab', 'first')").await;
    let other = page.new_window().await;
    other.open(&url).await;
    assert_eq!(other.run::<Option<String>>("return sessionStorage.getItem('tab')").await, None);
    assert_eq!(page.run::<Option<String>>("return sessionStorage.getItem('tab')").await.as_deref(), Some("first"));
    assert_eq!(page.run::<String>("return document.visibilityState").await, "visible");
    assert_eq!(other.run::<String>("return document.visibilityState").await, "visible");
    other.close().await;

    // Sizes below a desktop window's least width, and both schemes.
    let folder = tempfile::tempdir().unwrap();
    for (scheme, background) in [(Scheme::Light, "rgb(255, 255, 255)"), (Scheme::Dark, "rgb(0, 0, 0)")] {
        let path = folder.path().join("shots").join(format!("{scheme:?}.png"));
        page.screenshot(&path, 390, 800, scheme).await;
        let png = std::fs::read(&path).unwrap();
        let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert_eq!((side(16), side(20)), (390, 800), "the size in the PNG's header");
        assert_eq!(page.run::<String>("return getComputedStyle(document.body).backgroundColor").await, background);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "waited 100ms for a thing that never comes")]
async fn a_wait_that_fails_names_what_it_waited_for() {
    let browser = Browser::start().await;
    let page = browser.page().await;
    page.open("data:text/html,<p>nothing</p>").await;
    page.wait_for("a thing that never comes", "document.querySelector('[data-never]')", Duration::from_millis(100)).await;
}
