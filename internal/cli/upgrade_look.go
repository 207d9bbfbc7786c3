package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/internal/cli/upgrade"
	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/network/servers"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// upgraded is the instance on this machine whose program is to be replaced, and what is around it.
type upgraded struct {
	inst   *instance.Instance
	status instance.Status
	// access is how the API server is reached, by somebody who may drain the nodes of this machine.
	access *rest.Config
	api    kubernetes.Interface
	// node is the node that this machine is alone; empty on a member.
	node  string
	world upgrade.World
}

// lookPatience is how long one API server may take to answer.
const lookPatience = 5 * time.Second

// lookAround reads all that matters to when, and whether, the program of an instance that runs can be replaced by this one.
func lookAround(ctx context.Context, inst *instance.Instance) (*upgraded, error) {
	status, err := inst.Status(ctx)
	if err != nil {
		return nil, err
	}
	m := &upgraded{inst: inst, status: status}
	m.world.Target, m.world.Command, m.world.Unfit = ownProgram(), inst.Command("upgrade"), unfit(inst, status)
	registered, err := registration.Read(registrationDir(inst))
	switch {
	case m.has(apiserverComponent):
		err = m.lookAsMember(ctx)
	case errors.Is(err, os.ErrNotExist):
		err = fmt.Errorf("instance %s is neither a control plane nor a node that has joined one: stop it, and start it with this program", inst.Name)
	case err == nil && !registered.Rotates:
		err = fmt.Errorf("node %s is one of 'orrery up --real-nodes': it is replaced together with the control plane on this machine", registered.NodeName)
	case err == nil:
		err = m.lookAsNode(registered)
	}
	return m, err
}

// has says whether the instance has a component.
func (m *upgraded) has(component string) bool {
	return slices.ContainsFunc(m.status.Components, func(c instance.Component) bool { return c.Name == component })
}

// asMember is the program that the instance runs, as a member's, and asNode as a node's. An etcd that is somebody else's is not looked at.
func (m *upgraded) asMember() upgrade.Program {
	p := upgrade.Program{Version: m.status.Version, Kubernetes: m.status.Kubernetes, Kubelet: m.status.Kubelet}
	if m.has(snapshotsComponent) {
		p.Etcd = m.status.Etcd
	}
	return p
}

func (m *upgraded) asNode() upgrade.Program {
	return upgrade.Program{Version: m.status.Version, Kubelet: m.status.Kubelet}
}

// unfit are the reasons for which this program cannot go on with what an instance is told to run.
func unfit(inst *instance.Instance, status instance.Status) []string {
	if len(status.Args) == 0 {
		return []string{fmt.Sprintf("the program that runs, %s, cannot be replaced while it runs: stop it with '%s', and start this one with the flags that it has", status.Version, inst.Command("down"))}
	}
	var why []string
	if err := understands(status.Args); err != nil {
		why = append(why, fmt.Sprintf("this program cannot be started with the flags of the one that runs: %v", err))
	}
	if slices.ContainsFunc(status.Components, func(c instance.Component) bool { return c.Name == runtimeComponent }) {
		if _, err := newRuntime(inst, status.Flags["runtime-bin"]); err != nil {
			why = append(why, err.Error())
		}
	}
	return why
}

// understands says why this program does not take some arguments.
func understands(args []string) error {
	command, flags, err := newRoot().Traverse(args)
	if err != nil {
		return err
	}
	return command.ParseFlags(flags)
}

// lookAsMember looks around from a member of the control plane.
func (m *upgraded) lookAsMember(ctx context.Context) error {
	if err := servesAPI(m.inst, m.status); err != nil {
		return err
	}
	access, err := clientcmd.BuildConfigFromFlags("", m.inst.Kubeconfig())
	if err != nil {
		return fmt.Errorf("reading the administrator's access: %w", err)
	}
	if err := m.reachBy(access); err != nil {
		return err
	}
	if err := m.lookAtMembers(ctx); err != nil {
		return err
	}
	return m.lookAtNodes(ctx)
}

func (m *upgraded) reachBy(access *rest.Config) (err error) {
	access.QPS, access.Timeout = -1, lookPatience
	m.access = access
	if m.api, err = kubernetes.NewForConfig(access); err != nil {
		return fmt.Errorf("making a client for %s: %w", access.Host, err)
	}
	return nil
}

// lookAtMembers sees the members as the one on this machine does. One on its own has nobody to be asked about.
func (m *upgraded) lookAtMembers(ctx context.Context) error {
	if !m.has(membersComponent) {
		m.world.Members = []upgrade.Member{{Program: m.asMember(), Name: m.inst.Name, Here: true}}
		return nil
	}
	var told toldMembers
	if err := m.inst.Members(ctx, &told); err != nil {
		return err
	}
	known, err := servers.List(ctx, m.api)
	if err != nil {
		return err
	}
	for _, l := range told.Members {
		member := upgrade.Member{Name: l.Name, Here: l.Self, Leads: l.Leader, Learner: l.Learner, Problem: l.Problem, Behind: l.Behind}
		if member.Name == "" {
			member.Name = l.ID
		}
		switch {
		case l.Self:
			member.Program = m.asMember()
		case l.Healthy:
			member.Program, err = m.statedBy(serverOf(l, known))
			if err != nil {
				member.Problem = err.Error()
			}
		}
		if l.Version != "" {
			member.Etcd = l.Version
		}
		m.world.Members = append(m.world.Members, member)
	}
	return nil
}

// serverOf is where the API server of a member is, among those that are known; empty if none is.
func serverOf(l listedMember, known []string) string {
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		return ""
	}
	for _, server := range known {
		if at, _, err := net.SplitHostPort(server); err == nil && at == host {
			return server
		}
	}
	return ""
}

// statedBy is which program the API server at an address says that it is of.
func (m *upgraded) statedBy(server string) (upgrade.Program, error) {
	if server == "" {
		return upgrade.Program{}, errors.New("its API server is not among the endpoints of the Service kubernetes: it is just starting or ending")
	}
	access := rest.CopyConfig(m.access)
	access.Host = "https://" + server
	client, err := discovery.NewDiscoveryClientForConfig(access)
	if err != nil {
		return upgrade.Program{}, fmt.Errorf("making a client for %s: %w", server, err)
	}
	stated, err := client.ServerVersion()
	if err != nil {
		return upgrade.Program{}, fmt.Errorf("asking the API server at %s for its version: %w", server, err)
	}
	kubernetes, orrery, _ := version.Read(stated.GitVersion)
	return upgrade.Program{Version: orrery, Kubernetes: kubernetes}, nil
}

// lookAtNodes sees the nodes whose program is not a member's.
func (m *upgraded) lookAtNodes(ctx context.Context) error {
	list, err := m.api.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "!" + simulatedTaint})
	if err != nil {
		return fmt.Errorf("listing the nodes: %w", err)
	}
	for i := range list.Items {
		node := &list.Items[i]
		if node.Annotations[partOfAnnotation] == partOfControlPlane {
			continue
		}
		kubelet, orrery, _ := version.Read(node.Status.NodeInfo.KubeletVersion)
		m.world.Nodes = append(m.world.Nodes, upgrade.Node{Program: upgrade.Program{Version: orrery, Kubelet: kubelet}, Name: node.Name})
	}
	return nil
}

// lookAsNode looks around from a node, which knows the API servers, and of the nodes itself.
func (m *upgraded) lookAsNode(r registration.Registration) error {
	access, err := r.Node()
	if err != nil {
		return err
	}
	all, err := readServers(m.inst)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		all = []string{strings.TrimPrefix(access.Host, "https://")}
	}
	access.Host = "https://" + all[0] // the one that the node has joined by may be gone; of these each has to answer
	if err := m.reachBy(access); err != nil {
		return err
	}
	for _, server := range all {
		member := upgrade.Member{Name: server}
		if member.Program, err = m.statedBy(server); err != nil {
			member.Problem = err.Error()
		}
		m.world.Members = append(m.world.Members, member)
	}
	m.node = r.NodeName
	m.world.Nodes = []upgrade.Node{{Program: m.asNode(), Name: r.NodeName, Here: true}}
	return nil
}
