package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// patience is how long a child may take to end once its input has.
const patience = 20 * time.Second

// Child is a process that plays a role.
type Child struct {
	role    string
	debug   string
	command *exec.Cmd
	input   io.Closer
	log     string // the path of what it wrote to stderr
}

// Start starts a child and waits until it is ready; its answer is read into reply. What it writes to stderr goes into dir.
func Start[O, R any](ctx context.Context, dir, role string, order O, reply *R) (*Child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c := &Child{role: role, command: exec.Command(program, command, role), log: filepath.Join(dir, role+".log")}
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
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	defer func() { _ = log.Close() }() // The child has its own.
	c.command.Stderr = log
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = input.Close() })
	defer stop()
	line, err := json.Marshal(order)
	if err == nil {
		_, err = input.Write(append(line, '\n'))
	}
	var said answer[R]
	if err == nil {
		err = json.NewDecoder(output).Decode(&said)
	}
	if err != nil {
		_, stopErr := c.Stop()
		return nil, errors.Join(fmt.Errorf("starting %s: %w", role, err), stopErr)
	}
	c.debug, *reply = said.Debug, said.Reply
	return c, nil
}

// Stop ends a child, and returns the most memory that it had resident, in bytes.
func (c *Child) Stop() (int64, error) {
	_ = c.input.Close()
	timer := time.AfterFunc(patience, func() { _ = c.command.Process.Kill() })
	defer timer.Stop()
	err := c.command.Wait()
	var memory int64
	if usage, ok := c.command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = usage.Maxrss * 1024
	}
	if err != nil {
		said, _ := os.ReadFile(c.log)
		return memory, fmt.Errorf("%s ended: %w: %s", c.role, err, said[max(0, len(said)-2000):])
	}
	return memory, nil
}

// Usage is what a child has used so far.
func (c *Child) Usage(ctx context.Context) (u Usage, err error) {
	body, err := c.Get(ctx, usagePath)
	if err != nil {
		return u, err
	}
	if _, err := fmt.Sscan(string(body), &u.CPU, &u.Memory); err != nil {
		return u, fmt.Errorf("reading what %s has used: %w", c.role, err)
	}
	return u, nil
}

// Profile starts a CPU profile. The returned function ends it, and writes it and profiles of the allocations and of the heap into
// files that begin with a path.
func (c *Child) Profile(ctx context.Context) (end func(path string) error, err error) {
	if _, err := c.Get(ctx, startProfile); err != nil {
		return nil, err
	}
	return func(path string) error {
		var errs []error
		for kind, at := range map[string]string{"cpu": endProfile, "allocs": allocsPath, "heap": heapPath} {
			profile, err := c.Get(ctx, at)
			if err == nil {
				err = os.WriteFile(path+"."+kind+".pprof", profile, 0o600)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}, nil
}

// Get is what a child answers at a path of its address.
func (c *Child) Get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.debug+path, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s for %s: %w", c.role, path, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking %s for %s: %w", c.role, path, err)
	}
	defer func() { _ = response.Body.Close() }() // It has been read.
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s for %s: %w", c.role, path, err)
	}
	return body, nil
}
