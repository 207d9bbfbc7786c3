package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/orrery-dev/orrery/apiserver/etcd/members"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
)

// listedMember is a member in a list. Its JSON is stable: fields may be added.
type listedMember struct {
	Name string `json:"name"`
	ID   string `json:"id"`
	// Address is where the other members reach it; empty where none can.
	Address string `json:"address"`
	Leader  bool   `json:"leader"`
	Learner bool   `json:"learner"`
	// Self says that it is the instance that was asked.
	Self bool `json:"self"`
	// Healthy says that it answers; Problem is why it does not.
	Healthy bool   `json:"healthy"`
	Problem string `json:"problem,omitempty"`
	// Index is how far its log goes, and Behind how many changes it lacks.
	Index   uint64 `json:"index"`
	Behind  uint64 `json:"behind"`
	Version string `json:"version,omitempty"`
	// Size is that of its store in bytes, and InUse how much of it is content.
	Size  int64 `json:"size"`
	InUse int64 `json:"inUse"`
}

// toldMembers are all of them, with what a person has to know. Its JSON is stable: fields may be added.
type toldMembers struct {
	Members []listedMember `json:"members"`
	// Problem is what somebody has to do something about, and Advice what somebody may want to.
	Problem string `json:"problem,omitempty"`
	Advice  string `json:"advice,omitempty"`
}

func newMembers(t *target) *cobra.Command {
	var format printer.Format
	c := &cobra.Command{
		Use:   "members",
		Short: "List the members of the control plane, and remove one",
		Long: `List the members of the control plane, as a running instance of one of them knows them:
who leads, who only learns, how far each is behind, and whether it answers. More than half
of those that vote have to run. How another machine becomes one, 'orrery up --help' and
'orrery token create --help' say under --join and --control-plane.`,
		Example: `  orrery members
  orrery members -o json | jq -r '.members[] | select(.leader) | .name'
  orrery members remove cp-3`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := runningInstance(t)
			if err != nil {
				return err
			}
			var told toldMembers
			if err := inst.Members(c.Context(), &told); err != nil {
				return err
			}
			if err := printer.Print(c.OutOrStdout(), format, told, func() printer.Table { return memberTable(told.Members) }); err != nil || format.ForPrograms() {
				return err
			}
			for _, said := range []string{told.Problem, told.Advice} {
				if said != "" {
					c.PrintErrln("orrery: " + said)
				}
			}
			return nil
		},
	}
	format.AddFlag(c)
	c.AddCommand(newMembersRemove(t))
	return c
}

func newMembersRemove(t *target) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a member, for good",
		Long: `Remove a member of the control plane by its name, or, if it has never started, by its id. It
is refused where too few would be left that answer. The instance on that machine ends, and is
of no use any more: give it up with 'orrery reset --yes' there before it joins anew.`,
		Example: `  orrery members remove cp-3`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			inst, err := runningInstance(t)
			if err != nil {
				return err
			}
			if err := inst.RemoveMember(c.Context(), args[0]); err != nil {
				return fmt.Errorf("removing member %s: %w", args[0], err)
			}
			c.Printf("member %s is removed\n", args[0])
			return nil
		},
	}
}

// runningInstance is the instance that the flags name, which has to run.
func runningInstance(t *target) (*instance.Instance, error) {
	inst, err := t.instance()
	if err == nil && !inst.Running() {
		err = notRunning(inst)
	}
	return inst, err
}

func memberTable(list []listedMember) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "NAME"}, {Name: "ADDRESS"}, {Name: "ROLE"}, {Name: "INDEX"}, {Name: "BEHIND"}, {Name: "VERSION"}, {Name: "SIZE"}, {Name: "HEALTH", Yields: true},
		{Name: "ID", WideOnly: true},
	}}
	for _, m := range list {
		role, health := "follower", "ok"
		switch {
		case m.Leader:
			role = "leader"
		case m.Learner:
			role = "learner"
		}
		index, behind, size := strconv.FormatUint(m.Index, 10), strconv.FormatUint(m.Behind, 10), fmt.Sprintf("%.1f MiB", float64(m.Size)/(1<<20))
		if !m.Healthy {
			health, index, behind, size = m.Problem, "", "", ""
		}
		table.Rows = append(table.Rows, []string{m.Name, m.Address, role, index, behind, m.Version, size, health, m.ID})
	}
	return table
}

// listMembers is what is told of a world. Where the member is not open to others, none can join, and it has no address.
func listMembers(w members.World, open bool) toldMembers {
	told := toldMembers{Members: []listedMember{}, Advice: w.Advice()}
	if problem := w.Problem(); problem != nil {
		told.Problem = problem.Error()
	}
	for _, m := range w.Members {
		l := listedMember{
			Name: m.Name, ID: strconv.FormatUint(m.ID, 16), Address: strings.TrimPrefix(m.PeerURL, "https://"),
			Leader: m.ID == w.Leader(), Learner: m.Learner, Self: m.ID == w.Self, Healthy: m.Err == nil,
			Index: m.Index, Behind: w.Behind(m), Version: m.Version, Size: m.Size, InUse: m.InUse,
		}
		if m.Err != nil {
			l.Problem = m.Err.Error()
		}
		if !open {
			l.Address = ""
		}
		told.Members = append(told.Members, l)
	}
	if len(told.Members) == 1 {
		told.Advice = howOthersJoin(open)
	}
	return told
}

// howOthersJoin says how a control plane of one member gets more.
func howOthersJoin(open bool) string {
	const join = "'orrery token create --control-plane --print-join-command' prints what to type on one other machine"
	if open {
		return "there is one member; to add others: " + join
	}
	return "there is one member, which no other machine reaches; to add others, start it anew with 'orrery up --bind-address ADDRESS', an IPv4 address of this machine: " + join + " then"
}

// errNoMembers is the answer of an instance that has none, or none that is ready.
var errNoMembers = errors.New("no etcd of this instance can be asked for its members: either the control plane is just starting or ending, in which case try again, " +
	"or it stores in the etcd of --etcd-servers, whose members its own tools list, or this is a machine that joined as a node: ask on a machine of the control plane")

// tellMembers answers as instance.MembersPath says.
func (i *inspectedParts) tellMembers(w http.ResponseWriter, r *http.Request) {
	m := i.members.Load()
	if m == nil {
		http.Error(w, errNoMembers.Error(), http.StatusNotFound)
		return
	}
	told, err := m.told(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, told)
}

// removeMember does as instance.MembersPath says.
func (i *inspectedParts) removeMember(w http.ResponseWriter, r *http.Request) {
	m := i.members.Load()
	if m == nil {
		http.Error(w, errNoMembers.Error(), http.StatusNotFound)
		return
	}
	if err := m.remove(r.Context(), r.URL.Query().Get("name")); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	answer(w, json.RawMessage("{}"))
}
