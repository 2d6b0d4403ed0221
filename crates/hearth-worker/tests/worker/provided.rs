use super::support::{Host, Outcome};

/// A runtime in a shell: answers with what the variable `ANSWER` of its script makes.
fn bootstrap(answer: &str) -> String {
    format!(
        r#"#!/bin/bash
api=/dev/tcp/${{AWS_LAMBDA_RUNTIME_API%:*}}/${{AWS_LAMBDA_RUNTIME_API#*:}}
while :; do
  exec 5<>"$api"
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n' >&5
  while IFS= read -r line <&5; do
    line=${{line%$'\r'}}
    [ -z "$line" ] && break
    case "${{line,,}}" in lambda-runtime-aws-request-id:*) id=${{line#*: }};; esac
  done
  event=$(cat <&5)
  exec 5>&-
  answer={answer}
  exec 5<>"$api"
  printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "$id" "${{#answer}}" "$answer" >&5
  cat <&5 >/dev/null
  exec 5>&-
done
"#
    )
}

async fn run(files: &[(&str, &str)], layers: &[&[(&str, &str)]]) -> Option<Outcome> {
    let host = Host::start().await?;
    let id = host.begin(host.provided(files, layers)).await;
    let outcome = host.outcome(id, "[1]").await;
    host.end().await;
    Some(outcome)
}

#[tokio::test]
async fn a_bootstrap_of_the_package_is_started_and_finds_no_managed_variables() {
    let script = bootstrap(r#""$event $0 $PWD [$AWS_EXECUTION_ENV] $_HANDLER""#);
    let Some(outcome) = run(&[("bootstrap", &script)], &[]).await else { return };
    outcome.answers("[1] /var/task/bootstrap /var/task [] app.handler");
    assert!(outcome.report().contains("Init Duration"));
}

#[tokio::test]
async fn a_bootstrap_of_a_layer_is_started_when_the_package_has_none() {
    let script = bootstrap("\"$0 $(cat /opt/which)\"");
    let lower: &[(&str, &str)] = &[("bootstrap", &script), ("which", "lower"), ("lib/kept", "1")];
    let upper: &[(&str, &str)] = &[("which", "upper"), ("lib/more", "2")];
    let Some(outcome) = run(&[("data", "")], &[lower, upper]).await else { return };
    outcome.answers("/opt/bootstrap upper");
}

#[tokio::test]
async fn layers_are_one_tree_in_which_the_later_file_is_seen() {
    let script = bootstrap("\"$(cd /opt && find . -type f | sort | xargs grep -r . | tr '\\n' ' ')\"");
    let first: &[(&str, &str)] = &[("a", "1"), ("d/b", "1"), ("d/c", "1")];
    let second: &[(&str, &str)] = &[("d/b", "2"), ("e", "2")];
    let third: &[(&str, &str)] = &[("e", "3")];
    let Some(outcome) = run(&[("bootstrap", &script)], &[first, second, third]).await else { return };
    outcome.answers("./a:1 ./d/b:2 ./d/c:1 ./e:3 ");
}

#[tokio::test]
async fn a_missing_bootstrap_is_an_invalid_entry_point() {
    // Not executable counts as missing.
    let Some(outcome) = run(&[("bootstrap", "echo")], &[]).await else { return };
    outcome.fails_with(
        r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ID Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}"#,
    );
    assert!(outcome.report().ends_with("\tStatus: error\tError Type: Runtime.InvalidEntrypoint"));
}

#[tokio::test]
async fn a_bootstrap_that_the_kernel_does_not_execute_is_an_invalid_entry_point() {
    for (content, reason) in [
        ("\0\0\0\0", "exec format error"),
        ("#!/no/such/shell\n", "no such file or directory"),
        ("#!/bin/sh\r\n", "no such file or directory"),
    ] {
        let Some(outcome) = run(&[("bootstrap", content)], &[]).await else { return };
        outcome.fails_with(&format!(
            r#"{{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ID Error: fork/exec /var/task/bootstrap: {reason}"}}"#
        ));
    }
}
