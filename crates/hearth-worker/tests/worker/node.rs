use super::support::{Host, Outcome, Settings};

async fn run_files(files: &[(&str, &str)], handler: &'static str) -> Option<Outcome> {
    let host = Host::start().await?;
    let id = host.begin(host.node(files, Settings { handler, ..Settings::default() })).await;
    let outcome = host.outcome(id, r#"{"n":[1,"ä"]}"#).await;
    host.end().await;
    Some(outcome)
}

async fn run(code: &str) -> Option<Outcome> {
    run_files(&[("index.js", code)], "index.handler").await
}

#[tokio::test]
async fn every_kind_of_module_and_handler_answers() {
    for (file, handler, code) in [
        ("index.js", "index.handler", "exports.handler = async (event) => event.n;"),
        (
            "index.js",
            "index.handler",
            "exports.handler = (event, context, callback) => callback(null, event.n);",
        ),
        ("index.js", "index.handler", "exports.handler = (event) => Promise.resolve(event.n);"),
        ("index.js", "index.handler", "exports.handler = (event, context) => context.succeed(event.n);"),
        ("index.mjs", "index.handler", "export const handler = async (event) => event.n;"),
        (
            "index.mjs",
            "index.handler",
            "const n = await Promise.resolve(1); export const handler = async (e) => e.n;",
        ),
        ("index.cjs", "index.handler", "exports.handler = async (event) => event.n;"),
        ("src/deep/app.js", "src/deep/app.a.b", "exports.a = { b: async (event) => event.n };"),
        ("lib/index.js", "lib.handler", "exports.handler = async (event) => event.n;"),
    ] {
        let Some(outcome) = run_files(&[(file, code)], handler).await else { return };
        outcome.answers(r#"[1,"ä"]"#);
    }
    let module =
        [("package.json", r#"{"type":"module"}"#), ("index.js", "export const handler = async (e) => e.n;")];
    let Some(outcome) = run_files(&module, "index.handler").await else { return };
    outcome.answers(r#"[1,"ä"]"#);
}

#[tokio::test]
async fn results_are_answered_as_json_writes_them() {
    for (result, answer) in
        [("undefined", "null"), ("null", "null"), ("'x'", r#""x""#), ("{a: undefined}", "{}")]
    {
        let Some(outcome) = run(&format!("exports.handler = async () => ({result});")).await else { return };
        outcome.answers(answer);
    }
    let Some(outcome) = run("exports.handler = async () => 1n;").await else { return };
    assert!(
        outcome.payload.contains(r#""errorMessage":"Unable to stringify response body""#),
        "{}",
        outcome.payload
    );
}

#[tokio::test]
async fn a_callbacks_result_waits_until_the_event_loop_is_empty() {
    let code = "exports.handler = (event, context, callback) => {
        setTimeout(() => console.log('late'), 50); callback(null, 1); };";
    let Some(outcome) = run(code).await else { return };
    outcome.answers("1");
    assert!(outcome.log.contains("late"), "{}", outcome.log);
    let code = "exports.handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = false;
        setTimeout(() => console.log('late'), 50); callback(null, 1); };";
    let Some(outcome) = run(code).await else { return };
    outcome.answers("1");
    assert!(!outcome.log.contains("late"), "{}", outcome.log);
}

#[tokio::test]
async fn a_handler_that_never_answers_is_null_or_an_error_when_it_is_async() {
    let Some(outcome) = run("exports.handler = () => {};").await else { return };
    outcome.answers("null");
    let Some(outcome) = run("exports.handler = async () => new Promise(() => {});").await else { return };
    assert!(
        outcome.failed && outcome.payload.contains(r#""errorType":"Runtime.NodeJsExit""#),
        "{}",
        outcome.payload
    );
}

#[tokio::test]
async fn errors_have_type_message_and_trace_and_are_logged() {
    let Some(outcome) = run("exports.handler = async () => { throw new TypeError('no'); };").await else {
        return;
    };
    let start = r#"{"errorType":"TypeError","errorMessage":"no","trace":["TypeError: no","    at exports.handler (/var/task/index.js:1:"#;
    assert!(outcome.failed && outcome.payload.starts_with(start), "{}", outcome.payload);
    let line =
        r#"	ID	ERROR	Invoke Error 	{"errorType":"TypeError","errorMessage":"no","stack":["TypeError: no","#;
    assert!(outcome.lines().iter().any(|it| it.contains(line)), "{}", outcome.log);
    let Some(outcome) = run("exports.handler = (e, c, callback) => callback('text');").await else { return };
    outcome.fails_with(r#"{"errorType":"string","errorMessage":"text","trace":[]}"#);
}

#[tokio::test]
async fn what_nobody_catches_ends_the_process_and_is_answered() {
    let code = "exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 1000)); };";
    let Some(outcome) = run(code).await else { return };
    assert!(
        outcome
            .payload
            .starts_with(r#"{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Error: lost","#),
        "{}",
        outcome.payload
    );
    let code = "exports.handler = async () => { setTimeout(() => { throw new RangeError('late'); }, 1); await new Promise((r) => setTimeout(r, 1000)); };";
    let Some(outcome) = run(code).await else { return };
    assert!(
        outcome.payload.starts_with(r#"{"errorType":"RangeError","errorMessage":"late","trace":["#),
        "{}",
        outcome.payload
    );
    let Some(outcome) = run("exports.handler = async () => process.exit(3);").await else { return };
    outcome.fails_with(
        r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}"#,
    );
}

#[tokio::test]
async fn init_errors_are_named_as_aws_names_them() {
    for (files, handler, start) in [
        (
            [("index.js", "require('nothere')")],
            "index.handler",
            r#"{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'nothere'\nRequire stack:\n- /var/task/index.js"#,
        ),
        (
            [("other.js", "")],
            "index.handler",
            r#"{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'index'\nRequire stack:\n"#,
        ),
        (
            [("index.js", "exports.x = (;")],
            "index.handler",
            r#"{"errorType":"Runtime.UserCodeSyntaxError","errorMessage":"SyntaxError: Unexpected token ';'","#,
        ),
        (
            [("index.js", "")],
            "index.handler",
            r#"{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is undefined or not exported","#,
        ),
        (
            [("index.js", "exports.handler = 1")],
            "index.handler",
            r#"{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.handler is not a function","#,
        ),
        (
            [("index.js", "")],
            "index",
            r#"{"errorType":"Runtime.MalformedHandlerName","errorMessage":"Bad handler","#,
        ),
        (
            [("index.js", "throw new Error('early')")],
            "index.handler",
            r#"{"errorType":"Error","errorMessage":"early","trace":["Error: early","    at Object.<anonymous> (/var/task/index.js:1:7)","#,
        ),
    ] {
        let Some(outcome) = run_files(&files, handler).await else { return };
        assert!(outcome.failed && outcome.payload.starts_with(start), "{}", outcome.payload);
    }
}

#[tokio::test]
async fn console_lines_have_time_request_and_level_and_the_context_its_members() {
    let code = "console.log('at init');
    exports.handler = async (event, context) => {
        console.warn('two\\nlines %d', 7); console.error(new Error('shown').message);
        return [Object.keys(context), context.memoryLimitInMB, context.functionName,
            context.getRemainingTimeInMillis() > 0, process.env.NODE_PATH.split(':')[1], process.env.AWS_EXECUTION_ENV.replace(/\\d+/, 'N')]; };";
    let Some(outcome) = run(code).await else { return };
    outcome.answers(r#"[["callbackWaitsForEmptyEventLoop","succeed","fail","done","functionVersion","functionName","memoryLimitInMB","logGroupName","logStreamName","clientContext","identity","invokedFunctionArn","awsRequestId","getRemainingTimeInMillis"],"128","f",true,"/opt/nodejs/node_modules","AWS_Lambda_nodejsN.x"]"#);
    let has =
        |text: &str| assert!(outcome.lines().iter().any(|line| line.contains(text)), "{:?}", outcome.lines());
    has("Z\tID\tWARN\ttwo");
    has("lines 7");
    has("Z\tID\tERROR\tshown");
}

#[tokio::test]
async fn a_streaming_handler_is_answered_whole() {
    let code = "exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        stream.write('a'); await new Promise((r) => setTimeout(r, 5)); stream.end('b'); });";
    let Some(outcome) = run(code).await else { return };
    outcome.answers("ab");
}

#[tokio::test]
async fn state_stays_between_calls_and_answers_of_every_size_arrive() {
    let Some(host) = Host::start().await else { return };
    let code = "let n = 0; exports.handler = async (size) => { n += 1; return n + 'x'.repeat(size); };";
    let id = host
        .begin(host.node(
            &[("index.js", code)],
            Settings { handler: "index.handler", memory_mb: 512, ..Settings::default() },
        ))
        .await;
    host.outcome(id, "0").await.answers("\"1\"");
    host.outcome(id, "1").await.answers("\"2x\"");
    let whole = host.outcome(id, "6291553").await;
    assert_eq!((whole.payload.len(), whole.failed), (6_291_556, false));
    let large = host.outcome(id, "6291554").await;
    assert!(large.failed && large.payload.contains("Function.ResponseSizeTooLarge"), "{}", large.payload);
    host.outcome(id, "0").await.answers("\"5\"");
    host.end().await;
}

/// The log lines of one call under these variables, without START, END and REPORT.
async fn logged(code: &str, variables: &[(&str, &str)]) -> Option<Vec<String>> {
    let host = Host::start().await?;
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = Settings { handler: "index.handler", variables, ..Settings::default() };
    let id = host.begin(host.node(&[("index.js", code)], settings)).await;
    let outcome = host.outcome(id, "{}").await;
    host.end().await;
    let own = |line: &String| !["START", "END", "REPORT"].iter().any(|start| line.starts_with(start));
    Some(outcome.lines().into_iter().filter(own).collect())
}

#[tokio::test]
async fn a_level_silences_what_is_below_it() {
    let code = "exports.handler = async () => { for (const level of ['trace', 'debug', 'log', 'info', 'warn', 'error', 'fatal'])
        console[level](level); };";
    let Some(lines) = logged(code, &[("AWS_LAMBDA_LOG_LEVEL", "warn")]).await else { return };
    let told: Vec<_> = lines.iter().filter_map(|line| line.split('\t').next_back()).collect();
    assert_eq!(told, ["warn", "error", "fatal"]);
}

#[tokio::test]
async fn in_the_json_format_every_event_is_one_object() {
    let code = "exports.handler = async () => {
        console.log({ a: 1 }); console.warn('two\\nlines %d', 7); console.error('failed', new RangeError('far'));
        const circle = {}; circle.self = circle; console.info(circle); throw new TypeError('no'); };";
    let Some(lines) = logged(code, &[("AWS_LAMBDA_LOG_FORMAT", "JSON")]).await else { return };
    let events: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let has = |event: &serde_json::Value, level: &str, message: serde_json::Value| {
        assert_eq!(
            (&event["level"], &event["message"], &event["requestId"]),
            (&level.into(), &message, &"ID".into())
        );
    };
    has(&events[0], "INFO", serde_json::json!({ "a": 1 }));
    has(&events[1], "WARN", "two\nlines 7".into());
    assert_eq!((&events[2]["errorType"], &events[2]["errorMessage"]), (&"RangeError".into(), &"far".into()));
    assert!(events[3]["message"].as_str().is_some_and(|text| text.contains("[Circular")), "{}", events[3]);
    assert_eq!(events[4]["message"]["errorType"], "TypeError");
    assert!(events[4]["message"]["stackTrace"][0] == "TypeError: no", "{}", events[4]);
}

#[tokio::test]
async fn an_error_that_is_none_is_logged_as_one_and_nested_ones_are_shown() {
    let Some(lines) = logged("exports.handler = async () => { throw 'text'; };", &[]).await else { return };
    let text = lines.join("\n");
    assert!(
        text.contains(r#"Invoke Error 	{"errorType":"Error","errorMessage":"text","stack":["Error: text","#),
        "{text}"
    );
    let code = "exports.handler = async () => { throw Object.assign(new Error('outer'), { code: 'E1', inner: new TypeError('in') }); };";
    let Some(lines) = logged(code, &[]).await else { return };
    let text = lines.join("\n");
    assert!(text.contains(r#""errorMessage":"outer","code":"E1","inner":{"errorType":"TypeError","errorMessage":"in","stack""#), "{text}");
}

#[tokio::test]
async fn a_promise_that_never_settles_fails_its_call_and_the_next_one_runs() {
    let Some(host) = Host::start().await else { return };
    let code = "let n = 0; exports.handler = async () => { n += 1; if (n === 1) await new Promise(() => {}); return n; };";
    let settings = Settings { handler: "index.handler", ..Settings::default() };
    let id = host.begin(host.node(&[("index.js", code)], settings)).await;
    let first = host.outcome(id, "{}").await;
    assert!(first.failed && first.payload.contains("Runtime.NodeJsExit"), "{}", first.payload);
    host.outcome(id, "{}").await.answers("2");
    host.end().await;
}

#[tokio::test]
async fn layers_bring_modules_for_require_and_for_import_and_the_functions_own_win() {
    let Some(host) = Host::start().await else { return };
    let layer: &[(&str, &str)] = &[
        ("nodejs/node_modules/shared/index.js", "exports.from = 'layer';"),
        ("nodejs/node_modules/own/index.js", "exports.from = 'layer';"),
    ];
    for (file, code) in [
        ("index.js", "exports.handler = async () => [require('shared').from, require('own').from];"),
        (
            "index.mjs",
            "import shared from 'shared'; import own from 'own'; export const handler = async () => [shared.from, own.from];",
        ),
    ] {
        let files = [(file, code), ("node_modules/own/index.js", "exports.from = 'function';")];
        let settings = Settings { handler: "index.handler", ..Settings::default() };
        let revision = host.with_layers(host.node(&files, settings), &[layer]);
        let id = host.begin(revision).await;
        host.outcome(id, "{}").await.answers(r#"["layer","function"]"#);
    }
    host.end().await;
}
