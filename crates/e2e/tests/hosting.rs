//! The client's files on any web server, the gateway on another port.

use std::time::Duration;

use moorline_e2e::{Nginx, Pace, Page, PythonServer, Scene, Transport, on_both_transports};

const SOON: Duration = Duration::from_secs(30);
const OVER: [&str; 1] = ["completed"];

on_both_transports!(the_page_works_from_pythons_http_server, the_page_works_from_a_sub_folder_of_nginx,);

/// Runs a turn on a page that another server delivers, and reloads it.
async fn a_turn_and_a_reload(scene: &Scene, url: &str) {
    let page: Page = scene.browser.page().await;
    page.open(&format!("{url}#token={}", scene.gateway.token())).await;
    page.wait_until_live(SOON).await;
    page.send("A turn with everything in it").await;
    page.wait_for_turn(1, &OVER, SOON).await;
    let session = page.session().await;
    scene.settled(&page).await;

    page.reload().await;
    page.wait_until_live(SOON).await;
    assert_eq!(page.session().await, session, "a reload returns to its session");
    page.wait_for_turn(1, &OVER, SOON).await;
    scene.settled(&page).await;
    page.send("/echo again").await;
    page.wait_for_turn(2, &OVER, SOON).await;
    scene.settled(&page).await;
    assert_eq!(page.crashes().await, Vec::<String>::new());
}

async fn the_page_works_from_pythons_http_server(on: Transport) {
    let server = PythonServer::start().await;
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4", "--allow-origin", &server.origin()]).await;
    server.point_at(scene.proxy.address());
    a_turn_and_a_reload(&scene, &server.url()).await;
    scene.expect_transport();
}

async fn the_page_works_from_a_sub_folder_of_nginx(on: Transport) {
    let server = Nginx::start().await;
    let scene = Scene::start(on, Pace::Fast, &["--agent", "demo:--delay-ms 4", "--allow-origin", &server.origin()]).await;
    server.point_at(scene.proxy.address());
    a_turn_and_a_reload(&scene, &server.url()).await;
    scene.expect_transport();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_a_gateway_says_what_to_set() {
    let server = PythonServer::start().await;
    let scene = Scene::start(Transport::WebSocket, Pace::Fast, &[]).await;
    let page = scene.browser.page().await;
    page.open(&format!("{}#token=any", server.url())).await;
    page.wait_for("a sentence that names the setting", "document.body?.innerText.includes('gatewayUrl')", SOON).await;
}
