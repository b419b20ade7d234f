//! What an agent writes meets the real page: it stays text, and the page goes on answering.

#[path = "../../markup/tests/corpus/hostile.rs"]
mod corpus;

use std::time::Duration;

use moorline_e2e::{Client, Pace, Page, Scene, Transport};
use moorline_protocol::{ClientFrame, MessageId, Send, SendBody};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);

/// Notes whatever hostile text could bring about: a script that runs, a dialog, a request beyond the page's host; and long tasks.
const WATCH: &str = "
window.harm = [];
for (const name of ['alert', 'confirm', 'prompt', 'msgbox', 'open']) window[name] = () => window.harm.push(name);
document.addEventListener('securitypolicyviolation', (event) => window.harm.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
window.longest = 0;
new PerformanceObserver((list) => { for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration); }).observe({ entryTypes: ['longtask'] });
return true";

const FOREIGN: &str =
    "return performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => new URL(name).host !== location.host)";

const ELEMENTS: &str = "
const allowed = new Set(['A','BLOCKQUOTE','BUTTON','CODE','DEL','DIV','EM','H3','H4','H5','H6','HR','LI','OL','P','PRE','SPAN','STRONG','TABLE','TBODY','TD','TH','THEAD','TR','UL']);
const bad = [];
for (const element of document.querySelectorAll('[data-kind=text] [data-text] *')) {
  if (!allowed.has(element.tagName)) bad.push(element.tagName);
  for (const { name } of element.attributes) if (name.startsWith('on') || name === 'style' || name === 'src') bad.push(`${element.tagName} ${name}`);
  if (element.tagName === 'A' && !['http:', 'https:', 'mailto:'].includes(element.protocol)) bad.push(element.href);
}
return bad";

/// A page whose session is there.
async fn begun(scene: &Scene) -> Page {
    let page = scene.open().await;
    page.send("/echo Ready.").await;
    page.wait_for_turn(1, &["completed"], SOON).await;
    page
}

/// Has the agent say a text, past the page's composer: no key has to be pressed for each of its letters.
async fn say(scene: &Scene, page: &Page, n: usize, text: &str) {
    let message = MessageId::parse(&format!("said-{n}")).expect("an id");
    let (mut client, _) = Client::greeted(scene.gateway.address(), scene.api.cookie(), &format!("says-{n}")).await;
    let (session, body) = (page.session().await, SendBody::Text(text.to_owned()));
    let send = Send { session, message: message.clone(), body, create: None, interrupt: None };
    client.send(&ClientFrame::Send(send)).await;
    client.expect_receipt(&message).await;
    page.wait_for_turn(n + 1, &["completed"], SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_markdown_runs_nothing_and_asks_nobody() {
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = begun(&scene).await;
    page.run::<bool>(WATCH).await;
    let all = corpus::hostile();
    for (n, texts) in all.chunks(40).enumerate() {
        say(&scene, &page, n + 1, &format!("/echo {}", texts.join("\n\n```\n```\n\n"))).await;
    }
    assert_eq!(page.run::<Vec<String>>(ELEMENTS).await, Vec::<String>::new());
    // Everything that can be pressed without leaving is pressed.
    page.run::<bool>("document.querySelectorAll('[data-text] button').forEach((button) => button.click()); return true").await;
    scene.settled(&page).await;
    assert_eq!(page.run::<Vec<Value>>("return window.harm").await, Vec::<Value>::new());
    assert_eq!(page.run::<Vec<String>>(FOREIGN).await, Vec::<String>::new());
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_code_and_a_long_line_keep_the_page_answering() {
    // What a slow machine that does other work takes for a task, at most; measured is a tenth of it.
    const TASK_MS: f64 = 1_000.0;
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &["--agent", "demo:--delay-ms 0"]).await;
    let page = begun(&scene).await;
    page.run::<bool>(WATCH).await;
    let code = format!("/echo ```rust\n{}```\n", "let depth = chart.depth(at); // metres\n".repeat(2_600));
    for (n, text) in [code.as_str(), "/long 200"].into_iter().enumerate() {
        page.run::<bool>("window.longest = 0; return true").await;
        say(&scene, &page, n + 1, text).await;
        scene.settled(&page).await;
        let longest: f64 = page.run("return window.longest").await;
        println!("{}: the longest task took {longest:.0} ms", &text[..9]);
        assert!(longest < TASK_MS, "{longest} ms");
    }
}
