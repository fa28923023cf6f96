//! Opening a page in a headless browser, where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a browser said of a page.
#[derive(Debug)]
pub struct Opened {
    /// Everything on the console, errors too.
    pub console: Vec<String>,
    /// How wide the page is where there are 390 pixels for it.
    pub width_on_a_phone: u32,
}

/// Opens `page` in a headless Chromium, where there is one.
pub fn open_in_browser(page: &Path) -> Option<Opened> {
    let browser = zview_runtime::testing::browser()?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(page, folder.path().join("page.html")).unwrap();
    let framed = "<iframe id=f src=page.html width=390 height=900 style=border:0 onload=\"console.log('width ' + \
                  f.contentDocument.documentElement.scrollWidth)\"></iframe>";
    std::fs::write(folder.path().join("phone.html"), framed).unwrap();
    let mut console = console(browser, folder.path(), &folder.path().join("page.html"));
    let phone = self::console(browser, folder.path(), &folder.path().join("phone.html"));
    let width = phone.iter().find_map(|line| line.strip_prefix("width ")?.parse().ok());
    let width_on_a_phone = width.unwrap_or_else(|| panic!("the browser measured nothing: {phone:?}"));
    console.extend(phone.into_iter().filter(|line| !line.starts_with("width ")));
    Some(Opened { console, width_on_a_phone })
}

/// The console's lines after loading `page`.
fn console(browser: &str, folder: &Path, page: &Path) -> Vec<String> {
    let picture: PathBuf = folder.join("picture.png");
    let _ = std::fs::remove_file(&picture);
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--enable-logging=stderr",
        ])
        .args(["--allow-file-access-from-files", "--window-size=1280,1000"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(picture.exists(), "the browser drew nothing: {said}");
    let text = |line: &str| {
        let message = line.split_once(":CONSOLE")?.1.split_once('"')?.1;
        Some(message.rsplit_once("\", source:").map_or(message, |(message, _)| message).to_owned())
    };
    said.lines().filter_map(text).collect()
}
