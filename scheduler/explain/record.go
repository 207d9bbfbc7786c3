package explain

import (
	"cmp"
	"container/list"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	fwk "k8s.io/kube-scheduler/framework"
)

// Bounds of the memory.
const (
	DefaultPods   = 1000
	NodesByReason = 100
	ScoredNodes   = 5
)

// Record is one attempt to schedule a pod.
type Record struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	Profile   string `json:"profile"`
	// Attempt counts from 1.
	Attempt int       `json:"attempt"`
	When    time.Time `json:"when"`
	// Node is where the pod goes; "" means nowhere, and Message says why in the words of the event.
	Node    string `json:"node,omitempty"`
	Message string `json:"message,omitempty"`
	// AllNodes were there, of which Evaluated were looked at and Feasible would have done.
	AllNodes  int `json:"allNodes"`
	Evaluated int `json:"evaluated"`
	Feasible  int `json:"feasible"`
	// Refusals are grouped by plugin and reasons, the largest group first.
	Refusals []Refusal `json:"refusals,omitempty"`
	// Best are the nodes with the highest scores, best first. Empty where there was no choice.
	Best []Scored `json:"best,omitempty"`
	// Later fills in what is worked out when somebody asks: Refusals and Best, where they are not set. May be nil. It is
	// called from any goroutine, and costs an attempt nothing.
	Later func(*Record) `json:"-"`
}

// Sentence says what was decided and by which numbers, as in "bind to node-1: the pod fits on 2 of 3 nodes".
func (r Record) Sentence() string {
	if r.Node == "" {
		return "wait: " + r.Message
	}
	fits := fmt.Sprintf("bind to %s: the pod fits on %d of %d nodes", r.Node, r.Feasible, r.Evaluated)
	if r.Evaluated < r.AllNodes {
		fits += fmt.Sprintf(" that were looked at, of %d", r.AllNodes)
	}
	if r.Attempt > 1 {
		fits += fmt.Sprintf(", in attempt %d", r.Attempt)
	}
	return fits
}

// Both calls one Later after the other.
func Both(first, second func(*Record)) func(*Record) {
	if first == nil {
		return second
	}
	return func(record *Record) {
		first(record)
		second(record)
	}
}

// Refusal is why a plugin refused some nodes.
type Refusal struct {
	Plugin  string   `json:"plugin"`
	Code    string   `json:"code"`
	Reasons []string `json:"reasons"`
	// Count is the number of nodes; Nodes names the first of them.
	Count int      `json:"count"`
	Nodes []string `json:"nodes"`
}

// Scored is how the plugins scored a node.
type Scored struct {
	Node  string `json:"node"`
	Total int64  `json:"total"`
	// Raw is by plugin before normalizing; Weighted is normalized to 0..100 and times the plugin's weight.
	Raw      map[string]int64 `json:"raw"`
	Weighted map[string]int64 `json:"weighted"`
}

// Refusals groups nodes by why they were refused.
func Refusals(statuses map[string]*fwk.Status) []Refusal {
	groups := map[string]*Refusal{}
	for _, node := range sortedNames(statuses) {
		status := statuses[node]
		key := status.Plugin() + "\x00" + status.Code().String() + "\x00" + strings.Join(status.Reasons(), "\x00")
		group, known := groups[key]
		if !known {
			group = &Refusal{Plugin: status.Plugin(), Code: status.Code().String(), Reasons: status.Reasons()}
			groups[key] = group
		}
		if group.Count++; len(group.Nodes) < NodesByReason {
			group.Nodes = append(group.Nodes, node)
		}
	}
	refusals := make([]Refusal, 0, len(groups))
	for _, group := range groups {
		refusals = append(refusals, *group)
	}
	slices.SortFunc(refusals, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Plugin, b.Plugin), slices.Compare(a.Reasons, b.Reasons))
	})
	return refusals
}

func sortedNames(statuses map[string]*fwk.Status) []string {
	names := make([]string, 0, len(statuses))
	for name := range statuses {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Best picks the nodes with the highest scores.
func Best(scores []fwk.NodePluginScores) []Scored {
	var best []fwk.NodePluginScores
	better := func(a, b fwk.NodePluginScores) int {
		return cmp.Or(cmp.Compare(b.TotalScore, a.TotalScore), cmp.Compare(a.Name, b.Name))
	}
	for _, score := range scores {
		if len(best) == ScoredNodes && better(score, best[len(best)-1]) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, score, better)
		best = slices.Insert(best, at, score)
		best = best[:min(len(best), ScoredNodes)]
	}
	result := make([]Scored, len(best))
	for i, score := range best {
		result[i] = Scored{Node: score.Name, Total: score.TotalScore, Raw: byPlugin(score.RawScores), Weighted: byPlugin(score.Scores)}
	}
	return result
}

func byPlugin(scores []fwk.PluginScore) map[string]int64 {
	result := make(map[string]int64, len(scores))
	for _, score := range scores {
		result[score.Name] = score.Score
	}
	return result
}

// History holds the last record of each of the most recently tried pods. It is safe for concurrent use.
type History struct {
	mutex  sync.Mutex
	limit  int
	recent *list.List // of Record, newest first
	byPod  map[string]*list.Element
	follow []func(Record)
}

// NewHistory returns a History for a number of pods; 0 means DefaultPods.
func NewHistory(pods int) *History {
	return &History{limit: cmp.Or(pods, DefaultPods), recent: list.New(), byPod: map[string]*list.Element{}}
}

// Follow hands each record to f from now on, from the attempt that it is of: f has to be quick, and may not call its Later.
func (h *History) Follow(f func(Record)) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.follow = append(slices.Clone(h.follow), f) // an attempt may be reading the old ones
}

// Add remembers a record in place of the pod's earlier one, and tells who follows.
func (h *History) Add(record Record) {
	for _, f := range h.remember(record) {
		f(record)
	}
}

func (h *History) remember(record Record) (follow []func(Record)) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	key := record.Namespace + "/" + record.Name
	if old, found := h.byPod[key]; found {
		h.recent.Remove(old)
	}
	h.byPod[key] = h.recent.PushFront(record)
	if h.recent.Len() > h.limit {
		oldest := h.recent.Remove(h.recent.Back()).(Record)
		delete(h.byPod, oldest.Namespace+"/"+oldest.Name)
	}
	return h.follow
}

// Get returns the record of a pod.
func (h *History) Get(namespace, name string) (Record, bool) {
	h.mutex.Lock()
	element, found := h.byPod[namespace+"/"+name]
	h.mutex.Unlock()
	if !found {
		return Record{}, false
	}
	record := element.Value.(Record)
	if record.Later != nil {
		record.Later(&record)
		record.Later = nil
	}
	return record, true
}
