//! Values and rich results are bounded together, and what is too large is an outcome.

use hks_protocol::Outcome;

use crate::harness::Language::{JavaScript, Python};
use crate::harness::{Handler, Language, MIB, assert_ended, assert_says, call, house, value};

#[test]
fn a_value_that_is_too_large_is_an_outcome() {
    for megabytes in [3_u64, 20] {
        for (language, body) in
            [(Python, "return 'x' * (event << 20)"), (JavaScript, "return 'x'.repeat(event * 2 ** 20);")]
        {
            let report = call(language, language.handler(body)).event(megabytes.to_string()).attack();
            assert_ended(&report, Outcome::OutputTooLarge, "OutputTooLarge");
            assert_says(&report, &["1 MiB"]);
        }
    }
    let body = "(call $ok (i32.const 65536) (i32.const 20000000))";
    let report = house().call_component(&house().component(&Handler::new(body).pages(400).text())).attack();
    assert_ended(&report, Outcome::OutputTooLarge, "OutputTooLarge");
}

#[test]
fn the_limit_holds_to_the_byte() {
    for (language, body) in [(Python, "return 'x' * event"), (JavaScript, "return 'x'.repeat(event);")] {
        let run = |length: u64, limit: u64| {
            call(language, language.handler(body)).event(length.to_string()).output_bytes(limit).report().outcome
        };
        // The value has its quotes.
        assert_eq!(run(98, 100), Outcome::Succeeded);
        assert_eq!(run(99, 100), Outcome::OutputTooLarge);
        assert_eq!(run(MIB - 2, MIB), Outcome::Succeeded);
        assert_eq!(run(MIB - 1, MIB), Outcome::OutputTooLarge);
        assert_eq!(run(16 * MIB - 2, 16 * MIB), Outcome::Succeeded);
        assert_eq!(run(16 * MIB - 1, 16 * MIB), Outcome::OutputTooLarge);
    }
}

#[test]
fn rich_results_come_back_in_their_order() {
    for (language, body) in [
        (Python, "display(html='<b>1</b>'); display(json={'a': [2]}); display('three'); return 4"),
        (JavaScript, "display({ html: '<b>1</b>' }); display({ json: { a: [2] } }); display('three'); return 4;"),
    ] {
        let report = call(language, language.handler(body)).report();
        assert_eq!(value(&report), 4);
        let results = serde_json::to_value(&report.results).unwrap();
        assert_eq!(results[0]["html"], "<b>1</b>", "{language:?}");
        assert_eq!(results[1]["json"]["a"][0], 2, "{language:?}");
        assert_eq!(results[2]["text"], "three", "{language:?}");
    }
}

#[test]
fn endless_rich_results_are_capped_and_flagged() {
    for (language, body) in [
        (Python, "n = 0\nwhile True:\n    try: display(text='x' * 10_000); n += 1\n    except ValueError: return n"),
        (JavaScript, "let n = 0; for (;;) { try { display({ text: 'x'.repeat(10_000) }); n++; } catch { return n; } }"),
    ] {
        let report = call(language, language.handler(body)).attack();
        let published = value(&report).as_u64().unwrap();
        assert!((100..=104).contains(&published) && report.truncated, "{language:?}: {published}");
        assert_eq!(report.results.len() as u64, published);
    }
}

#[test]
fn tiny_rich_results_without_end_are_bounded_as_well() {
    for (language, body) in [(Python, "while True: display(text='')"), (JavaScript, "for (;;) display({ text: '' });")]
    {
        let report = call(language, language.handler(body)).timeout_ms(10_000).attack();
        assert!(report.results.len() < 200_000, "{} results", report.results.len());
        let kept = serde_json::to_string(&report.results).unwrap().len() as u64;
        assert!(kept < 2 * MIB, "{kept} bytes");
        assert_ne!(report.outcome, Outcome::Succeeded);
    }
}

#[test]
fn one_rich_result_of_many_megabytes_is_refused_or_ends_it() {
    for (language, body) in [
        (Python, "try: display(text='x' * (event << 20))\nexcept ValueError as error: return str(error)"),
        (JavaScript, "try { display({ text: 'x'.repeat(event * 2 ** 20) }); } catch (error) { return error.message; }"),
    ] {
        let report = call(language, language.handler(body)).event("1").attack();
        assert!(value(&report).as_str().unwrap().contains("output limit"), "{language:?}");
        let report = call(language, language.handler(body)).event("20").attack();
        assert!([Outcome::Succeeded, Outcome::OutputTooLarge].contains(&report.outcome), "{:?}", report.error);
    }
}

#[test]
fn a_failure_of_many_megabytes_is_bounded() {
    for (language, body) in [
        (Python, "raise ValueError('x' * 20_000_000)"),
        (Python, "raise type('N' * 1_000_000, (Exception,), {})('x')"),
        (JavaScript, "throw new Error('x'.repeat(20_000_000));"),
        (JavaScript, "const e = new Error('x'); e.name = 'N'.repeat(1_000_000); throw e;"),
        (JavaScript, "throw 'x'.repeat(20_000_000);"),
    ] {
        let report = call(language, language.handler(body)).attack();
        assert_eq!(report.outcome, Outcome::Failed, "{body}: {:?}", report.outcome);
        let error = report.error.unwrap();
        let bytes = error.name.len() + error.value.len() + error.traceback.len();
        assert!(bytes < 256 << 10, "{body}: {bytes} bytes");
    }
}

#[test]
fn numbers_keys_and_text_survive() {
    let event =
        r#"{"big":123456789012345678901234567890,"text":"ä€😀\u0000\"\\","nested":[[],{}],"z":1,"a":2,"f":0.1}"#;
    let report = call(Python, Python.handler("return event")).event(event).report();
    let same: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(value(&report), same);
    assert!(report.value.as_str().contains("123456789012345678901234567890"), "{:?}", report.value);
    let event = r#"{"text":"ä€😀\u0000\"\\","nested":[[],{}],"z":1,"a":2,"f":0.1,"__proto__":{"x":1}}"#;
    let report = call(Language::JavaScript, JavaScript.handler("return event;")).event(event).report();
    assert_eq!(value(&report), serde_json::from_str::<serde_json::Value>(event).unwrap());
}
