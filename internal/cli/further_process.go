package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

// furtherPatience is how long a further node's process may take to end its pods and itself.
const furtherPatience = stopPatience + 10*time.Second

// furtherProcess is the process of a further node.
type furtherProcess struct {
	node    *instance.Instance
	program *exec.Cmd
	// news is what it tells while it starts; it hears by lifeline that this process has ended.
	news, lifeline *os.File
}

// startFurther starts a program as a further node's process, with a group of processes of its own so that Ctrl-C reaches us alone.
func startFurther(node *instance.Instance, program *exec.Cmd, start func(*exec.Cmd) error) (_ *furtherProcess, err error) {
	log, err := os.OpenFile(node.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", node.Name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	p := &furtherProcess{node: node, program: program}
	news, tells, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening a pipe: %w", err)
	}
	defer func() { _ = tells.Close() }() // so that the pipe ends with the process
	hears, lifeline, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening a pipe: %w", err), news.Close())
	}
	defer func() { _ = hears.Close() }() // the process has its own
	p.news, p.lifeline = news, lifeline

	program.Env = append(os.Environ(), newsEnv+"=1", lifelineEnv+"=1")
	program.Stdout, program.Stderr = log, log
	program.ExtraFiles = []*os.File{newsFD - 3: tells, lifelineFD - 3: hears}
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := start(program); err != nil {
		p.letGo()
		return nil, fmt.Errorf("starting the process of %s: %w", node.Name, err)
	}
	return p, nil
}

// wait calls ready when all of the process runs, and waits until it has ended. When ctx ends, it is asked to, and after a while it is
// killed. The error is its own, if it said one.
func (p *furtherProcess) wait(ctx context.Context, ready func()) error {
	stop := context.AfterFunc(ctx, func() {
		p.end()
		time.AfterFunc(furtherPatience, func() { _ = p.program.Process.Kill() }) // or in time
	})
	defer stop()
	told := make(chan error, 1)
	go func() {
		err := follow(p.news, unseen{})
		if err == nil {
			ready()
		}
		told <- err
	}()
	_ = p.program.Wait() // its state says as much
	said := <-told
	switch {
	case ctx.Err() != nil:
		return nil
	case said != nil && !errors.Is(said, errSilent):
		return said
	default:
		return fmt.Errorf("its process ended (%s): see %s", p.program.ProcessState, p.node.Log())
	}
}

// end asks the process to end: with its pods, unless the next one is to take them over. It may have ended by itself.
func (p *furtherProcess) end() {
	if reexecuting.keepsContainers() {
		ctx, cancel := context.WithTimeout(context.Background(), furtherPatience)
		defer cancel()
		err := p.node.EndForNext(ctx)
		if err == nil {
			return
		}
		logger().Error(err, "A node ends with its pods", "node", p.node.Name)
	}
	_ = p.program.Process.Signal(syscall.SIGTERM)
}

func (p *furtherProcess) letGo() {
	_ = p.news.Close() // read only
	_ = p.lifeline.Close()
}

// unseen shows components to nobody.
type unseen struct{}

func (unseen) Show(instance.Component) {}
func (unseen) Close()                  {}
