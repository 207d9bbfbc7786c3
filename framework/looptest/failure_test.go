package looptest_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
)

// failure is a test that is expected to fail: it keeps what the test says.
type failure struct {
	log    bytes.Buffer
	failed bool
}

// of runs a test which may end itself.
func (f *failure) of(test func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		test()
	}()
	<-done
}

// story is the last story that the test told, by lines, without the stack of a panic.
func (f *failure) story() []string {
	log := f.log.String()
	const title = "the story of this world:\n"
	told := log[strings.LastIndex(log, title)+len(title):]
	told, _, _ = strings.Cut(told, "\nthe world ")
	told, _, _ = strings.Cut(told, "\ngoroutine ")
	return strings.Split(told, "\n")
}

func (f *failure) Helper()                           {}
func (f *failure) Name() string                      { return "TestThatFails" }
func (f *failure) Logf(format string, args ...any)   { fmt.Fprintf(&f.log, format+"\n", args...) }
func (f *failure) Log(args ...any)                   { fmt.Fprintln(&f.log, args...) }
func (f *failure) Skipf(format string, args ...any)  { f.Logf(format, args...); f.SkipNow() }
func (f *failure) Skip(args ...any)                  { f.Log(args...); f.SkipNow() }
func (f *failure) SkipNow()                          { runtime.Goexit() }
func (f *failure) Errorf(format string, args ...any) { f.Logf(format, args...); f.Fail() }
func (f *failure) Error(args ...any)                 { f.Log(args...); f.Fail() }
func (f *failure) Fatalf(format string, args ...any) { f.Errorf(format, args...); f.FailNow() }
func (f *failure) Fatal(args ...any)                 { f.Error(args...); f.FailNow() }
func (f *failure) FailNow()                          { f.Fail(); runtime.Goexit() }
func (f *failure) Fail()                             { f.failed = true }
func (f *failure) Failed() bool                      { return f.failed }
