// What the cases common to all runtimes ask for, in Go, on AWS's own client.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type mistake struct{ message string }

func (m *mistake) Error() string { return m.message }

var calls int

func main() {
	switch os.Getenv("INIT") {
	case "fail":
		panic(errors.New("no init"))
	case "exit":
		os.Exit(3)
	case "slow":
		time.Sleep(15 * time.Second)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, event any) (any, error) {
	calls++
	fields, isObject := event.(map[string]any)
	asked, isText := fields["do"].(string)
	if !isObject || !isText {
		return event, nil
	}
	text := func(name string) string { value, _ := fields[name].(string); return value }
	number := func(name string) int { value, _ := fields[name].(float64); return int(value) }
	switch asked {
	case "context":
		return describe(ctx), nil
	case "environment":
		all := map[string]string{}
		for _, pair := range os.Environ() {
			name, value, _ := strings.Cut(pair, "=")
			all[name] = value
		}
		return all, nil
	case "size":
		return len(text("pad")), nil
	case "large":
		return strings.Repeat("x", number("bytes")-2), nil
	case "count":
		return calls, nil
	case "write":
		return nil, os.WriteFile("/tmp/kept", []byte(text("text")), 0o600)
	case "read":
		content, err := os.ReadFile(text("path"))
		if err != nil {
			return nil, nil
		}
		return string(content), nil
	case "denied":
		return os.WriteFile(text("path"), nil, 0o600) != nil, nil
	case "fail":
		return nil, &mistake{text("message")}
	case "sleep":
		time.Sleep(time.Duration(number("ms")) * time.Millisecond)
		return nil, nil
	case "memory":
		return touch(number("mb")), nil
	case "call":
		return post(fields["headers"].(map[string]any), text("body"))
	default:
		return nil, write(asked, fields, number)
	}
}

func post(headers map[string]any, body string) (any, error) {
	request, err := http.NewRequest("POST", os.Getenv("AWS_ENDPOINT_URL")+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		request.Header.Set(name, value.(string))
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return []any{answer.StatusCode, string(content)}, err
}

func describe(ctx context.Context) map[string]any {
	call, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	var custom any
	if value, known := call.ClientContext.Custom["key"]; known {
		custom = value
	}
	return map[string]any{
		"request_id": call.AwsRequestID,
		"arn":        call.InvokedFunctionArn,
		"name":       lambdacontext.FunctionName,
		"version":    lambdacontext.FunctionVersion,
		"memory":     strconv.Itoa(lambdacontext.MemoryLimitInMB),
		"group":      lambdacontext.LogGroupName,
		"stream":     lambdacontext.LogStreamName,
		"time_left":  left > 0 && left <= 30*time.Second,
		"custom":     custom,
	}
}

func write(asked string, fields map[string]any, number func(string) int) error {
	switch asked {
	case "lines":
		for _, line := range fields["lines"].([]any) {
			pair := line.([]any)
			to := map[any]*os.File{"out": os.Stdout, "err": os.Stderr}[pair[0]]
			fmt.Fprintln(to, pair[1])
		}
	case "binary":
		all := make([]byte, 257)
		for n := range all[:256] {
			all[n] = byte(n)
		}
		all[256] = '\n'
		os.Stdout.Write(all)
	case "exit":
		os.Exit(number("status"))
	case "crash":
		syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		time.Sleep(time.Minute)
	default:
		return errors.New("unknown action " + asked)
	}
	return nil
}

func touch(mb int) int {
	room := make([]byte, mb<<20)
	for n := 0; n < len(room); n += 4096 {
		room[n] = 1
	}
	return len(room)
}
