//! Packages of the real registry.

use super::*;

#[test]
fn packages_of_the_manifest_are_installed_and_locked() {
    let text = "import dayjs from 'dayjs';\nexport const handler = (event) => dayjs(event.at).format('YYYY');\n";
    let one = built(&[("index.js", text)], "packages: ['dayjs@1.11.13']").ok();
    let other = built(&[("index.js", text)], "packages: ['dayjs@1.11.13']").ok();
    assert_eq!(one.text, other.text);
    assert_eq!(one.lock, other.lock);
    let lock = one.lock.unwrap();
    assert!(lock.contains("\"integrity\": \"sha512-") && lock.contains("1.11.13"), "{lock}");
    assert!(!lock.contains("resolved") && !lock.contains("http"), "{lock}");
    assert!(one.lines.unwrap().files().any(|file| file.starts_with("node_modules/dayjs/")));
}

#[test]
fn a_lock_of_the_senders_decides() {
    let package = r#"{"name": "mine", "main": "app.ts", "dependencies": {"lodash-es": "^4.0.0"}, "devDependencies": {"is-odd": "3.0.1"}}"#;
    let text = "import { chunk } from 'lodash-es';\nexport const handler = (list: number[]) => chunk(list, 2);\n";
    let first = built(&[("package.json", package), ("app.ts", text)], "").ok();
    let lock = first.lock.unwrap();
    assert!(first.text.contains("function chunk("), "tree shaking leaves what is used");
    assert!(first.text.len() < 100_000, "{}", first.text.len());
    // a lock of npm's own has what is only for development as well
    let dev = r#"{"name": "mine", "main": "app.ts", "dependencies": {"lodash-es": "^4.0.0"}}"#;
    let again = built(&[("package.json", dev), ("app.ts", text), ("package-lock.json", &lock)], "").ok();
    assert_eq!(again.text, first.text);
    let wrong = lock.replacen("sha512-", "sha512-AAAA", 1);
    let error = built(&[("package.json", dev), ("app.ts", text), ("package-lock.json", &wrong)], "").refusal();
    assert!(error.contains("what the registry has is not what package-lock.json names"), "{error}");
}

#[test]
fn a_package_with_native_code_is_refused_by_name() {
    let text = "import Database from 'better-sqlite3';\nexport const handler = () => new Database(':memory:');\n";
    let error = built(&[("index.js", text)], "packages: [better-sqlite3]").refusal();
    assert!(error.starts_with("package \"better-sqlite3\" has native code"), "{error}");
    assert!(error.contains("runtime: container"), "{error}");
}

#[test]
fn packages_that_cannot_be_had_are_named() {
    let text = "export const handler = () => 1;";
    let error = built(&[("index.js", text)], "packages: ['dayjs@99.0.0']").refusal();
    assert!(error.starts_with("packages cannot be installed: No matching version found for dayjs@99.0.0"), "{error}");
    let error = built(&[("index.js", text)], "packages: ['hks-no-such-package-as-this-one']").refusal();
    assert!(error.contains("hks-no-such-package-as-this-one") && !error.contains("http"), "{error}");
}

#[test]
fn what_a_package_would_run_is_not_run() {
    let package =
        r#"{"dependencies": {"dayjs": "1.11.13"}, "scripts": {"preinstall": "touch owned", "install": "touch owned"}}"#;
    let text = "import dayjs from 'dayjs';\nimport owned from './owned';\nexport const handler = () => dayjs(owned);\n";
    let error = built(&[("package.json", package), ("index.js", text)], "").refusal();
    assert!(error.contains("cannot import \"./owned\": there is no such file"), "{error}");
}
