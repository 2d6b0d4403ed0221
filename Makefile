# The commands of this repository. Each ends by itself, asks nothing and reads no input.

.PHONY: help demo test test-v2 arm64 bench crash fuzz check

help:
	@echo "make demo    set up, build, and run a thumbnail function in three languages on a photograph in S3"
	@echo "make test    set up, build, and run every check and test"
	@echo "make test-v2 run the sandbox's tests on a machine with cgroup v2 alone, in QEMU (minutes)"
	@echo "make arm64   build for arm64 on another machine and try what runs there under QEMU (minutes)"
	@echo "make bench   measure against floors taken in the same run (WRITE=1 keeps the table in docs/performance.md)"
	@echo "make crash   kill the server and its spawner 200 times, cut the power 200 times: nothing is lost or left"
	@echo "make fuzz    feed mutated input to every reader of foreign bytes (TARGETS=\"json cbor\" TIME=60 seconds each)"
	@echo "make check   format, lints, sizes, arrows, licences, generated files"

demo:
	@scripts/demo.sh

test:
	@scripts/test.sh

test-v2:
	@scripts/test-v2.sh

arm64:
	@scripts/arm64.sh

bench:
	@scripts/bench.sh

crash:
	@scripts/crash.sh

TIME ?= 60
fuzz:
	@scripts/setup.sh build
	@cargo run --quiet -p hearth-fuzz -- $(TARGETS) --seconds $(TIME)

check:
	@scripts/setup.sh build
	@cargo xtask check
