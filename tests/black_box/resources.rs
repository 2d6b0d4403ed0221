//! Memory and CPU of a function: what it is given, and what its REPORT says of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hearth_tests::{Hearth, Invocation};
use serde_json::json;

/// Megabytes that the REPORT of an invocation names.
#[track_caller]
fn memory_used(invocation: &Invocation) -> u64 {
    assert_eq!(invocation.error, "", "{}", invocation.answer.text());
    let rest = invocation.log.split("Max Memory Used: ").nth(1).expect("a REPORT");
    rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn memory_that_came_and_went_at_once_is_in_the_report() {
    let hearth = Hearth::start();
    let code = "def handler(event, context):\n    if event: b'x' * (event << 20)\n";
    let function = hearth.function("short").code(code).with("MemorySize", json!(1024)).create();
    let before = memory_used(&function.invoke("0"));
    let used = memory_used(&function.invoke("300")) - before;
    assert!((294..=306).contains(&used), "{used} MB beside {before} MB");
    assert_eq!(memory_used(&function.invoke("0")), used + before, "it is the peak of the environment");
}

#[test]
fn memory_of_a_child_that_is_gone_is_in_the_report() {
    let hearth = Hearth::start();
    let code = "import os\ndef handler(event, context):\n    child = os.fork()\n    if child == 0:\n        \
                b'x' * (300 << 20)\n        os._exit(0)\n    os.waitpid(child, 0)\n";
    let function = hearth.function("parent").code(code).with("MemorySize", json!(1024)).create();
    let used = memory_used(&function.invoke("{}"));
    assert!((300..=340).contains(&used), "{used} MB");
}

#[test]
fn files_in_tmp_are_not_memory_even_when_they_are_four_times_as_large() {
    let hearth = Hearth::start();
    let code = "import os\ndef handler(event, context):\n    with open('/tmp/large', 'wb') as file:\n        \
                for megabyte in range(500): file.write(b'x' * (1 << 20))\n    \
                if event: os.remove('/tmp/large')\n    return 'well'\n";
    let function = hearth.function("writer").code(code).with("Timeout", json!(60)).create();
    for event in ["false", "true"] {
        let used = memory_used(&function.invoke(event));
        assert!(used < 40, "{used} MB");
    }
}

#[test]
fn tmp_has_what_was_asked_for_from_512_to_10240_mb_and_not_more() {
    let hearth = Hearth::start();
    // Allocated, which is as good as written: the image has a hard size.
    let code = "import os\ndef handler(event, context):\n    taken = 0\n    try:\n        while taken < 20000:\n            \
                with open('/tmp/%d' % taken, 'wb') as file: os.posix_fallocate(file.fileno(), 0, 64 << 20)\n            \
                taken += 64\n    except OSError as error:\n        assert error.errno == 28, error\n    return taken\n";
    let with = |size: u64| {
        let name = format!("tmp-{size}");
        let size = json!({ "Size": size });
        let function =
            hearth.function(&name).code(code).with("EphemeralStorage", size).with("MemorySize", json!(512));
        let answer = function.with("Timeout", json!(60)).try_create();
        (name, answer)
    };
    for size in [512, 1000, 10_240] {
        let (name, answer) = with(size);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let function = hearth_tests::Function::existing(&hearth, &name);
        function.wait_until_active();
        let invocation = function.invoke("{}");
        assert!(memory_used(&invocation) < 100, "{}", invocation.log);
        let taken = invocation.json().as_u64().expect("a number");
        assert!((size - 64..=size + size / 16).contains(&taken), "{taken} of {size}");
    }
    for size in [511, 10_241] {
        assert_eq!(with(size).1.status, 400, "{size}");
    }
}

#[test]
fn a_function_has_the_cpu_of_its_memory_and_its_init_has_more() {
    let hearth = Hearth::start();
    let code = "import time\ndef share(seconds):\n    begun, used = time.monotonic(), time.process_time()\n    \
                while time.monotonic() - begun < seconds: pass\n    \
                return (time.process_time() - used) / (time.monotonic() - begun)\n\
                INIT = share(0.5)\ndef handler(event, context):\n    share(0.5)\n    return [INIT, share(2)]\n";
    let shares = |name: &str| {
        let function = hearth.function(name).code(code).with("Timeout", json!(60)).create();
        let shares = function.invoke("{}").json();
        let (init, call) = (shares[0].as_f64().expect("a share"), shares[1].as_f64().expect("a share"));
        // 128 MB of 1,769 are 0.072 of a CPU. A busy machine may take a moment to begin counting.
        assert!(call < 0.12, "{call}");
        (init, call)
    };
    let (init, call) = shares("spinner");
    if init <= 2.0 * call {
        // Others may leave it as little: then it has what anybody has who spins here.
        let over = AtomicBool::new(false);
        let ((init, _), anybody) = std::thread::scope(|scope| {
            let spinning = scope.spawn(|| share_until(&over));
            let seen = shares("beside");
            over.store(true, Ordering::Relaxed);
            (seen, spinning.join().expect("no panic"))
        });
        assert!(init > anybody / 2.0, "{init} in init, {call} in the call, {anybody} without a limit");
    }
}

/// Longer than a call here takes; a test that failed meanwhile must not spin on.
const SPINS_MAX: Duration = Duration::from_secs(120);

/// Spins until it is over; the share of a CPU that this thread had.
fn share_until(over: &AtomicBool) -> f64 {
    let used = || -> f64 {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel's figures");
        let nanoseconds = times.split(' ').next().and_then(|first| first.parse::<f64>().ok());
        nanoseconds.expect("time on a CPU") / 1e9
    };
    let (began, before) = (Instant::now(), used());
    while !over.load(Ordering::Relaxed) && began.elapsed() < SPINS_MAX {
        std::hint::spin_loop();
    }
    (used() - before) / began.elapsed().as_secs_f64()
}
