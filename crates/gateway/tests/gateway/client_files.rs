//! The built page, served from a folder.

use std::{fs, path::Path};

use reqwest::{RequestBuilder, StatusCode, header};

use crate::world::{World, assert_problem};

async fn world_with(folder: &Path) -> World {
    for (name, content) in [
        ("index.html", "<!doctype html>"),
        ("app-0123456789abcdef.js", "plain"),
        ("app-0123456789abcdef.js.br", "brotli"),
        ("app-0123456789abcdef.js.gz", "gzip"),
        ("app-0123456789abcdef_bg.wasm", "\0asm"),
        ("style.css", "body{}"),
    ] {
        fs::write(folder.join(name), content).unwrap();
    }
    World::start(&["--client", folder.to_str().unwrap()]).await
}

fn get(world: &World, path: &str) -> RequestBuilder {
    world.http.get(world.url(path))
}

#[tokio::test]
async fn files_come_with_their_type_and_how_long_they_keep() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with(folder.path()).await;
    let immutable = "public, max-age=31536000, immutable";
    for (path, kind, keep) in [
        ("/", "text/html", "no-cache"),
        ("/index.html", "text/html", "no-cache"),
        ("/style.css", "text/css", "no-cache"),
        ("/config.json", "application/json", "no-cache"),
        ("/app-0123456789abcdef.js", "text/javascript", immutable),
        ("/app-0123456789abcdef_bg.wasm", "application/wasm", immutable),
    ] {
        let response = get(&world, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let said = |name: header::HeaderName| response.headers()[name].to_str().unwrap();
        assert!(said(header::CONTENT_TYPE).starts_with(kind), "{path}: {}", said(header::CONTENT_TYPE));
        assert_eq!(said(header::CACHE_CONTROL), keep, "{path}");
        assert_eq!(said(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn a_missing_config_is_an_empty_one_and_a_present_one_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with(folder.path()).await;
    assert_eq!(get(&world, "/config.json").send().await.unwrap().text().await.unwrap(), "{}");
    fs::write(folder.path().join("config.json"), r#"{"title":"Ours"}"#).unwrap();
    assert_eq!(get(&world, "/config.json").send().await.unwrap().text().await.unwrap(), r#"{"title":"Ours"}"#);
}

#[tokio::test]
async fn what_is_compressed_already_goes_to_those_who_take_it() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with(folder.path()).await;
    for (accepts, content) in [("br, gzip", "brotli"), ("gzip", "gzip"), ("identity", "plain")] {
        let response = get(&world, "/app-0123456789abcdef.js").header(header::ACCEPT_ENCODING, accepts).send().await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/javascript", "{accepts}");
        assert!(response.headers()[header::VARY].to_str().unwrap().to_ascii_lowercase().contains("accept-encoding"));
        assert_eq!(response.text().await.unwrap(), content, "{accepts}");
    }
}

#[tokio::test]
async fn the_page_may_run_nothing_but_its_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with(folder.path()).await;
    let response = get(&world, "/").send().await.unwrap();
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let host = world.gateway.address();
    for part in ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "frame-ancestors 'none'", &format!("ws://{host}")] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe-inline"), "{policy}");
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("client");
    fs::create_dir(&folder).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    let world = world_with(&folder).await;
    for path in ["/%2e%2e/secret", "/..%2fsecret", "/%2e%2e%2fsecret", "//etc/passwd", "/nothing.js"] {
        assert_problem(get(&world, path), StatusCode::NOT_FOUND, "not_found").await;
    }
}

#[tokio::test]
async fn without_a_folder_the_gateway_says_what_to_set() {
    let world = World::start(&[]).await;
    let body = get(&world, "/").send().await.unwrap().text().await.unwrap();
    assert!(body.contains("--client"), "{body}");
}
