package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// A program is replaced in its own process: it ends all that it runs but the containers, and executes the new program with the
// arguments, the environment, the folder and the terminal that it has. So whoever has started it, as a service manager, sees the same
// process go on, and nobody has to know how it was started.

// reexecuting is what this process does instead of ending, if it is asked to.
var reexecuting reexec

type reexec struct {
	mu      sync.Mutex
	end     context.CancelFunc // ends what runs; nil before and after that
	asked   bool
	program string
}

// begin is called with what ends all that runs in the process.
func (r *reexec) begin(end context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
}

// keepsContainers says that the process ends in favour of another one, which takes over the containers that it leaves.
func (r *reexec) keepsContainers() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

// ServeHTTP answers as instance.ReexecPath says.
func (r *reexec) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	program := request.URL.Query().Get("program")
	if program != "" {
		if err := executable(program); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil || r.asked {
		http.Error(w, "this process is ending already", http.StatusConflict)
		return
	}
	r.asked, r.program = true, program
	answer(w, json.RawMessage("{}"))
	if err := http.NewResponseController(w).Flush(); err != nil {
		logger().Error(err, "Who asked to end in favour of another process was not told")
	}
	r.end()
}

// executable says why a program cannot be executed.
func executable(program string) error {
	if !filepath.IsAbs(program) {
		return fmt.Errorf("%q is no absolute path of a program", program)
	}
	if err := unix.Access(program, unix.X_OK); err != nil {
		return fmt.Errorf("%s cannot be executed: %w", program, err)
	}
	return nil
}

// execute executes the program that was asked for, and then does not return; without one there is nothing to do.
func (r *reexec) execute(args []string) error {
	r.mu.Lock()
	program := r.program
	r.mu.Unlock()
	if program == "" {
		return nil
	}
	logger().Info("Executing another program in the place of this one", "program", program)
	if err := syscall.Exec(program, append([]string{program}, args...), os.Environ()); err != nil {
		return fmt.Errorf("executing %s in the place of this program: %w", program, err)
	}
	return nil
}

// startArgs are the arguments by which a command that runs an instance is started again, from any folder. What it was told for one
// start is left out: a machine that has joined has joined, and a cluster that was made of one member must not be so again.
func startArgs(c *cobra.Command, inst *instance.Instance) ([]string, error) {
	args := []string{"--data-dir=" + filepath.Dir(inst.Dir), "--name=" + inst.Name}
	args = append(args, strings.Fields(c.CommandPath())[1:]...)
	if c.Flags().Lookup("foreground") != nil {
		args = append(args, "--foreground")
	}
	flags, err := spelled(c.Flags(), func(flag *pflag.Flag) bool {
		return !slices.Contains(incidental, flag.Name) && !slices.Contains(joinFlags, flag.Name)
	})
	return append(args, flags...), err
}

// tellable are those of some arguments that anybody may see.
func tellable(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		return slices.Contains(secretFlags, name)
	})
}
