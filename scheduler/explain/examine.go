package explain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// nearestMisses is how many of the nodes that nearly fit are looked at more closely.
const nearestMisses = 3

// Explanation is what is to be said of a pod and the nodes that there are. Its JSON is stable: fields may be added.
type Explanation struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Profile is the spec.schedulerName whose plugins were asked.
	Profile string `json:"profile"`
	// Held is why the pod is not even tried, by plugin.
	Held []Saying `json:"held,omitempty"`
	// Nodes is how many there are, and Feasible on how many of them the pod fits.
	Nodes    int `json:"nodes"`
	Feasible int `json:"feasible"`
	// Refusals are grouped by plugin and reasons, the largest group first. A node is in one group for each plugin that
	// refuses it.
	Refusals []Group `json:"refusals,omitempty"`
	// Nearest are the nodes that nearly fit, the nearest first.
	Nearest []Miss `json:"nearest,omitempty"`
	// Scores are those of the feasible nodes, the best first.
	Scores []Score `json:"scores,omitempty"`
}

// Saying is what a plugin says.
type Saying struct {
	Plugin string `json:"plugin"`
	// Detail is a sentence: by how much, and which.
	Detail string `json:"detail"`
}

// Group are the nodes that a plugin refuses for the same reasons.
type Group struct {
	Plugin string `json:"plugin"`
	// Code is the status: Unschedulable (the departure of pods might help), UnschedulableAndUnresolvable or Error.
	Code string `json:"code"`
	// Reasons are the words of the FailedScheduling event.
	Reasons []string `json:"reasons"`
	// Nodes are all of them, the nearest first.
	Nodes []RefusedNode `json:"nodes"`
}

// RefusedNode is a node with why it is refused, in a sentence.
type RefusedNode struct {
	Node   string `json:"node"`
	Detail string `json:"detail"`

	short float64
}

// Miss is a node that nearly fits.
type Miss struct {
	Node string `json:"node"`
	// Refusals are what is in the way.
	Refusals []Saying `json:"refusals"`
	// Remedies are ways to make the pod fit there, each of which was tried on copies: "with 600m less CPU".
	Remedies []string `json:"remedies,omitempty"`
}

// Score is how the plugins score a node.
type Score struct {
	Node  string `json:"node"`
	Total int64  `json:"total"`
	// Plugins are in the order of what they contribute.
	Plugins []PluginScore `json:"plugins"`
}

// PluginScore is what a plugin contributes to the score of a node.
type PluginScore struct {
	Plugin string `json:"plugin"`
	// Raw is what the plugin said, Normalized that on a scale of 0 to 100, and Weighted that times Weight.
	Raw        int64 `json:"raw"`
	Normalized int64 `json:"normalized"`
	Weight     int64 `json:"weight"`
	Weighted   int64 `json:"weighted"`
	// Reason is a sentence, where there is one to say.
	Reason string `json:"reason,omitempty"`
}

// Examine asks all plugins of a profile about a pod and all nodes. The pod must not be counted on any of them.
func Examine(ctx context.Context, profile *framework.Framework, pod *corev1.Pod, nodes []fwk.NodeInfo) (*Explanation, error) {
	e := &examiner{profile: profile, pod: pod, nodes: nodes, state: framework.NewCycleState(false)}
	result := &Explanation{
		Namespace: pod.Namespace, Name: pod.Name, Profile: profile.ProfileName(), Nodes: len(nodes), Held: e.held(ctx),
	}
	examined, err := profile.Examine(ctx, e.state, pod, nodes)
	if err != nil {
		return nil, err
	}
	result.Feasible = len(examined.Feasible)
	refused := e.refused(examined)
	result.Refusals = grouped(refused)
	if result.Feasible == 0 {
		if result.Nearest, err = e.nearest(ctx, refused); err != nil {
			return nil, err
		}
		return result, nil
	}
	result.Scores, err = e.scores(ctx, examined.Feasible)
	return result, err
}

// examiner explains one pod.
type examiner struct {
	profile *framework.Framework
	pod     *corev1.Pod
	nodes   []fwk.NodeInfo
	state   *framework.CycleState
}

// held asks the plugins that may keep a pod out of the queue.
func (e *examiner) held(ctx context.Context) []Saying {
	var held []Saying
	for _, plugin := range e.profile.PreEnqueuePlugins() {
		if status := ask(ctx, plugin, e.pod); !status.IsSuccess() {
			held = append(held, Saying{plugin.Name(), status.Message()})
		}
	}
	return held
}

func ask(ctx context.Context, plugin fwk.PreEnqueuePlugin, pod *corev1.Pod) (status *fwk.Status) {
	defer framework.Recovered(ctx, framework.PreEnqueue, plugin.Name(), &status)
	return plugin.PreEnqueue(ctx, pod)
}

// refusal is a plugin's no to a node, with its detail.
type refusal struct {
	status *fwk.Status
	Detail
}

// refusedNode is a node with all refusals.
type refusedNode struct {
	node     fwk.NodeInfo
	refusals []refusal
}

func (r refusedNode) name() string { return r.node.Node().Name }

// distance says how far a node is from fitting: first by how many plugins, and then by how much.
func (r refusedNode) distance() float64 {
	sum := float64(len(r.refusals))
	for _, refusal := range r.refusals {
		sum += min(refusal.Shortfall, 1) / float64(len(r.refusals)+1)
	}
	return sum
}

// refused explains all refusals, the nearest node first.
func (e *examiner) refused(examined *framework.Examination) []refusedNode {
	var all []refusedNode
	for _, node := range e.nodes {
		statuses := examined.Refusals[node.Node().Name]
		if len(statuses) == 0 {
			continue
		}
		refused := refusedNode{node: node}
		for _, status := range statuses {
			refused.refusals = append(refused.refusals, refusal{status, e.explainRefusal(node, status)})
		}
		all = append(all, refused)
	}
	slices.SortStableFunc(all, func(a, b refusedNode) int {
		return cmp.Or(cmp.Compare(a.distance(), b.distance()), cmp.Compare(a.name(), b.name()))
	})
	return all
}

// grouped puts nodes with the same plugin and reasons together.
func grouped(refused []refusedNode) []Group {
	var groups []Group
	index := map[string]int{}
	for _, node := range refused {
		for _, refusal := range node.refusals {
			status := refusal.status
			key := status.Plugin() + "\x00" + status.Code().String() + "\x00" + strings.Join(status.Reasons(), "\x00")
			at, known := index[key]
			if !known {
				at = len(groups)
				index[key] = at
				groups = append(groups, Group{Plugin: status.Plugin(), Code: status.Code().String(), Reasons: status.Reasons()})
			}
			groups[at].Nodes = append(groups[at].Nodes, RefusedNode{node.name(), refusal.Text, refusal.Shortfall})
		}
	}
	for _, group := range groups {
		slices.SortStableFunc(group.Nodes, func(a, b RefusedNode) int { return cmp.Compare(a.short, b.short) })
	}
	slices.SortStableFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(len(b.Nodes), len(a.Nodes)), cmp.Compare(a.Plugin, b.Plugin), slices.Compare(a.Reasons, b.Reasons))
	})
	return groups
}

// scores asks the plugins that score, as if all nodes that fit had been found.
func (e *examiner) scores(ctx context.Context, nodes []fwk.NodeInfo) ([]Score, error) {
	if !e.profile.HasScorePlugins() {
		return nil, nil
	}
	if status := e.profile.RunPreScorePlugins(ctx, e.state, e.pod, nodes); !status.IsSuccess() {
		return nil, fmt.Errorf("scoring nodes for pod %s/%s: %w", e.pod.Namespace, e.pod.Name, status.AsError())
	}
	scored, status := e.profile.RunScorePlugins(ctx, e.state, e.pod, nodes)
	if !status.IsSuccess() {
		return nil, fmt.Errorf("scoring nodes for pod %s/%s: %w", e.pod.Namespace, e.pod.Name, status.AsError())
	}
	weights := e.profile.Weights()
	scores := make([]Score, len(scored))
	for i, node := range scored {
		scores[i] = Score{Node: node.Name, Total: node.TotalScore}
		for p, score := range node.Scores {
			weight := weights[score.Name]
			scores[i].Plugins = append(scores[i].Plugins, PluginScore{
				Plugin: score.Name, Raw: node.RawScores[p].Score, Normalized: score.Score / max(weight, 1), Weight: weight,
				Weighted: score.Score, Reason: e.explainScore(nodes[i], score.Name, node.RawScores[p].Score),
			})
		}
		slices.SortStableFunc(scores[i].Plugins, func(a, b PluginScore) int { return cmp.Compare(b.Weighted, a.Weighted) })
	}
	slices.SortStableFunc(scores, func(a, b Score) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.Node, b.Node))
	})
	return scores, nil
}
