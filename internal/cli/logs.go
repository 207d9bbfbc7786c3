package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/cobra"
)

// followEvery is how often a followed log is looked at.
const followEvery = 200 * time.Millisecond

func newLogs(t *target) *cobra.Command {
	var (
		follow bool
		tail   int
	)
	c := &cobra.Command{
		Use:   "logs [PART]",
		Short: "Show what the control plane says",
		Long: `Show the log of the control plane, or of a program that it runs, such as containerd, or
node-2 and node-2-containerd with --real-nodes 2.
Logs of pods are 'orrery kubectl logs'.`,
		Example: `  orrery logs
  orrery logs --follow
  orrery logs containerd --tail 20
  orrery logs node-2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			part := "orrery"
			if len(args) > 0 {
				part = args[0]
			}
			file, err := openLog(inst, part)
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }() // read only
			if err := writeTail(c.OutOrStdout(), file, tail); err != nil || !follow {
				return err
			}
			return copyAsItGrows(c.Context(), c.OutOrStdout(), file)
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on showing what is added, until interrupted")
	c.Flags().IntVar(&tail, "tail", -1, "how many `lines` from the end to begin with; -1 for all")
	return c
}

// openLog opens the log of a part. The error for one that has none names those that have.
func openLog(inst *instance.Instance, part string) (*os.File, error) {
	logs, err := logFiles(inst)
	if err != nil {
		return nil, err
	}
	if len(logs) == 0 {
		return nil, notRunning(inst)
	}
	if path, known := logs[part]; known {
		return os.Open(path)
	}
	return nil, fmt.Errorf("instance %s has no log of %q: it has %s", inst.Name, part, strings.Join(slices.Sorted(maps.Keys(logs)), ", "))
}

// logFiles are the paths of the logs that there are, by the name of the part: of the instance's own process, and of the programs
// that it runs, each of which keeps its log with what else it has.
func logFiles(inst *instance.Instance) (map[string]string, error) {
	logs := map[string]string{}
	for _, pattern := range []string{inst.Path("log", "*.log"), inst.Path("containerd", "*.log")} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("looking for logs of instance %s: %w", inst.Name, err)
		}
		for _, file := range files {
			logs[strings.TrimSuffix(filepath.Base(file), ".log")] = file
		}
	}
	for n := range nodesBefore(inst) - 1 {
		node := furtherNode(inst, n+2)
		logs[node.Name] = node.Log()
		logs[node.Name+"-containerd"] = node.Path("containerd", "containerd.log")
	}
	return logs, nil
}

// writeTail writes the last n lines of a file, all of them for n below zero, and leaves it at its end.
func writeTail(out io.Writer, file *os.File, n int) error {
	if n < 0 {
		_, err := io.Copy(out, file)
		return err
	}
	var lines []string
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
		if len(lines) > n {
			lines = lines[1:]
		}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return scanner.Err()
}

func copyAsItGrows(ctx context.Context, out io.Writer, file *os.File) error {
	for {
		if _, err := io.Copy(out, file); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}
