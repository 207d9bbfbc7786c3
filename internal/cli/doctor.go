package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/orrery-dev/orrery/internal/cli/doctor"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/network/policy"
	"github.com/orrery-dev/orrery/network/proxy"
	"github.com/orrery-dev/orrery/network/segment"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
	"github.com/spf13/cobra"
)

// examined is how a machine is, for programs. Its JSON is stable: fields may be added.
type examined struct {
	// Worst is the worst level of the findings.
	Worst    doctor.Level     `json:"worst"`
	Findings []doctor.Finding `json:"findings"`
}

func newDoctor(t *target) *cobra.Command {
	var (
		o      runtimeOptions
		port   int
		format printer.Format
	)
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what of this machine is in the way of a control plane",
		Long: `Look for what of this machine is in the way of a control plane: of its kernel, its
limits, its network and its clock, and of what an instance that died has left. Each
finding says what is so, why it matters, and the command that cures it. Nothing is changed.

'orrery up' looks at the same, and says in short what is not well. The exit code is 1 if
there is an error; a warning is none.`,
		Example: `  orrery doctor
  orrery doctor --runtime simulated
  orrery doctor -o json | jq -r '.findings[] | select(.level == "error") | .cure'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			findings := examineMachine(c.Context(), inst, o, port)
			result := examined{doctor.Worst(findings), findings}
			err = printer.Prose(c.OutOrStdout(), format, result, func(out io.Writer) error { return doctor.Report(out, findings) })
			if err == nil && result.Worst == doctor.Error {
				err = errors.New("this machine needs a cure: see above")
			}
			return err
		},
	}
	o.addFlags(c.Flags())
	c.Flags().IntVar(&port, "port", 0, "`port` that the API server shall have; by default the one it had before, or 6443")
	format.AddProseFlag(c)
	return c
}

// examineMachine looks at this machine for an instance that is to run pods as o says, with its API server on a port; 0 is any.
func examineMachine(ctx context.Context, inst *instance.Instance, o runtimeOptions, port int) []doctor.Finding {
	q := doctor.Question{
		Instance:   examinedInstance(inst, port),
		Containers: o.runtime == containerdRuntime,
		Traces:     tracesOf(inst),
	}
	q.Instance.Devices = q.Traces.Devices
	if q.Containers {
		q.Programs = runtimePrograms(inst, o)
	}
	if q.Instance.Running {
		asking, cancel := context.WithTimeout(ctx, watchPatience)
		defer cancel()
		if status, err := inst.Status(asking); err == nil { // one that does not answer is the business of 'orrery status'
			q.PID, q.Since = status.PID, status.Since
		}
	}
	return doctor.Judge(doctor.Observe(ctx, q))
}

// examinedInstance is the instance as it is, or as it would be made. What of it cannot be read is left out: a start says so.
func examinedInstance(inst *instance.Instance, port int) doctor.Instance {
	addresses, _ := inst.Expected()
	settings, _ := inst.Settings()
	e := doctor.Instance{
		Name: inst.Name, Dir: inst.Dir, Exists: inst.Exists(), Running: inst.Running(),
		Port: instance.DefaultPort, Pods: addresses.Pods, Services: addresses.Services, IPv6: addresses.PodsIPv6.IsValid(),
	}
	for _, chosen := range []int{settings.Port, port} {
		if chosen != 0 {
			e.Port, e.Chosen = chosen, true
		}
	}
	return e
}

// runtimePrograms is where the programs of an own runtime are. Somebody else's has its own.
func runtimePrograms(inst *instance.Instance, o runtimeOptions) doctor.Seen[string] {
	if o.endpoint != "" {
		return doctor.Seen[string]{Value: "pods run in the runtime at " + o.endpoint}
	}
	if os.Geteuid() != 0 { // that is a finding of its own, and would be the error of this one as well
		return doctor.Seen[string]{Value: "the runtime's programs are looked for once this is root"}
	}
	_, err := newRuntime(inst, o.bin)
	bin := o.bin
	if bin == "" {
		bin = filepath.Join(programDir(), "runtime")
	}
	return doctor.Seen[string]{Value: "the runtime's programs are in " + bin, Err: err}
}

// tracesOf are the names of what an instance makes outside of its directory.
func tracesOf(inst *instance.Instance) doctor.Traces {
	t := doctor.Traces{
		Dirs:        []string{inst.Dir, containerd.RunDir(inst.Path("containerd"))},
		CgroupRoots: []string{cgroupRoot(inst)},
		Tables:      []string{bridge.TableName(inst.ID()), proxy.TableName(inst.ID()), policy.TableName(inst.ID()), segment.TableName(inst.ID())},
		Devices:     []string{bridge.InterfaceName(inst.ID()), segment.InterfaceName(inst.ID())},
	}
	nodes, err := furtherNodes(inst)
	if err != nil {
		return t // what of it cannot be looked for is not found
	}
	for _, n := range nodes {
		node := furtherNode(inst, n)
		t.Dirs = append(t.Dirs, node.Dir, containerd.RunDir(node.Path("containerd")), segment.Namespace(inst.ID(), n))
		t.CgroupRoots = append(t.CgroupRoots, cgroupRoot(node))
		t.Devices = append(t.Devices, segment.PortName(inst.ID(), n))
	}
	return t
}

// forewarn tells whoever starts an instance what of this machine is not well, in short, but for what the start itself refuses. It
// keeps nobody from trying.
func forewarn(c *cobra.Command, inst *instance.Instance, o runtimeOptions, port int) {
	findings := slices.DeleteFunc(examineMachine(c.Context(), inst, o, port), func(f doctor.Finding) bool {
		return f.Check == "root" || f.Check == "runtime"
	})
	if err := doctor.Brief(c.ErrOrStderr(), findings); err != nil {
		logger().Error(err, "What is wrong with this machine was not told")
	}
}
