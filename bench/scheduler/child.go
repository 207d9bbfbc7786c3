package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// childCommand is the hidden command by which this program starts itself in another role.
const childCommand = "child"

// The roles of child processes. The two schedulers are what is compared.
const (
	roleServer = "server"
	ours       = "ours"
	upstream   = "upstream"
)

// order is what a child is told, as the first line of its input. It lives until its input ends, so that it never
// survives the one who started it.
type order struct {
	Dir    string          // for files, removed afterwards
	Server *connection     // to schedule end to end
	Cycle  *cycleOrder     // to measure the cycle alone
	Gates  map[string]bool // Kubernetes features that are switched
}

// reply is the first line of a child's output, written once it is ready.
type reply struct {
	Debug  string // the address of metrics and profiles
	Admin  *connection
	Worker *connection // what a scheduler connects by
	Cycle  *cycleReply
}

// connection is how to reach an API server.
type connection struct {
	Host  string
	CA    []byte
	Token string
}

// config returns a client configuration without a limit on requests.
func (c *connection) config() *rest.Config {
	return &rest.Config{
		Host: c.Host, QPS: -1, BearerToken: c.Token, TLSClientConfig: rest.TLSClientConfig{CAData: c.CA},
		WarningHandler: rest.NoWarnings{}, // that groups are beta is known
	}
}

// inProtobuf makes a client speak protobuf, as kube-scheduler does by default.
func inProtobuf(config *rest.Config) *rest.Config {
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config
}

// runChild is the whole life of a child.
func runChild(role string) error {
	klog.LogToStderr(false) // errors go there still
	klog.SetOutput(io.Discard)
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("reading the order of %s: %w", role, err)
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("reading the order of %s: %w", role, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, input)
	}()
	debug, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for debugging: %w", err)
	}
	handleDebugging()
	go func() { _ = http.Serve(debug, nil) }() //nolint:gosec // on loopback, for this program alone
	ready := func(r reply) error {
		r.Debug = "http://" + debug.Addr().String()
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	switch {
	case role == roleServer:
		return serve(ctx, o, ready)
	case role == ours && o.Cycle != nil:
		return cycleOurs(ctx, *o.Cycle, ready)
	case role == upstream && o.Cycle != nil:
		return cycleUpstream(ctx, *o.Cycle, ready)
	case role == ours:
		return scheduleOurs(ctx, o, ready)
	case role == upstream:
		return scheduleUpstream(ctx, o, ready)
	}
	return fmt.Errorf("%q is no role of a child", role)
}

// child is a process that plays a role.
type child struct {
	reply
	role    string
	command *exec.Cmd
	input   io.Closer
	errors  string // the path of what it wrote to stderr
}

// spawn starts a child and waits until it is ready.
func spawn(ctx context.Context, dir, role string, o order) (*child, error) {
	o.Dir = dir
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c := &child{role: role, command: exec.Command(program, childCommand, role), errors: filepath.Join(dir, role+".log")}
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for the parent alone
	input, err := c.command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	c.input = input
	output, err := c.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	file, err := os.Create(c.errors)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	defer func() { _ = file.Close() }() // The child has its own.
	c.command.Stderr = file
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = input.Close() })
	defer stop()
	line, err := json.Marshal(o)
	if err == nil {
		_, err = input.Write(append(line, '\n'))
	}
	if err == nil {
		err = json.NewDecoder(output).Decode(&c.reply)
	}
	if err != nil {
		_, stopErr := c.stop()
		return nil, errors.Join(fmt.Errorf("starting %s: %w", role, err), stopErr)
	}
	return c, nil
}

// stop ends a child, and returns the most memory that it had in use, in bytes.
func (c *child) stop() (int64, error) {
	_ = c.input.Close()
	timer := time.AfterFunc(20*time.Second, func() { _ = c.command.Process.Kill() })
	defer timer.Stop()
	err := c.command.Wait()
	var memory int64
	if usage, ok := c.command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = usage.Maxrss * 1024
	}
	if err != nil {
		said, _ := os.ReadFile(c.errors)
		return memory, fmt.Errorf("%s ended: %w: %s", c.role, err, last(said, 2000))
	}
	return memory, nil
}

func last(text []byte, n int) []byte { return text[max(0, len(text)-n):] }
