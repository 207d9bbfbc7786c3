package framework

import (
	"slices"
	"strconv"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"
)

// Names are the nodes of a snapshot: by number, and the number of each. They never change.
type Names struct {
	ByNumber []string
	Number   map[string]int
}

// Verdicts are why nodes were refused, by the number of the node. Equal statuses are kept once and counted, so that any
// number of nodes costs a few bytes each.
type Verdicts struct {
	names  Names
	ids    []int32 // 0: not refused
	kinds  []verdictKind
	byText map[string]int32 // ids of the kinds; made when there are more than a few
	frozen bool             // ids are shared with a copy
}

type verdictKind struct {
	status   *fwk.Status
	position int
	count    int
}

// fewKinds can be looked through faster than a map.
const fewKinds = 8

// NewVerdicts returns verdicts on the nodes, none of which is refused yet.
func NewVerdicts(names Names) *Verdicts {
	return &Verdicts{names: names, ids: make([]int32, len(names.ByNumber))}
}

// Refuse says that a plugin refused a node. The position is that of the plugin among all filters. The status must not be
// changed afterwards.
func (v *Verdicts) Refuse(node int, status *fwk.Status, position int) {
	v.set(node, v.intern(status, position))
}

// Kind returns a number for a status and the position of its plugin, for RefuseAs.
func (v *Verdicts) Kind(status *fwk.Status, position int) int32 { return v.intern(status, position) }

// RefuseAs is Refuse with a status that has a number, which saves looking for it.
func (v *Verdicts) RefuseAs(node int, kind int32) { v.set(node, kind) }

// Clear says that a node is not refused.
func (v *Verdicts) Clear(node int) { v.set(node, 0) }

// Refused returns the status of a node that is refused and the position of the plugin, or nil.
func (v *Verdicts) Refused(node int) (*fwk.Status, int) {
	id := v.ids[node]
	if id == 0 {
		return nil, 0
	}
	return v.kinds[id-1].status, v.kinds[id-1].position
}

// Len returns how many nodes are refused.
func (v *Verdicts) Len() int {
	refused := 0
	for i := range v.kinds {
		refused += v.kinds[i].count
	}
	return refused
}

// Freeze returns a copy as of now, which costs something only when the verdicts change afterwards.
func (v *Verdicts) Freeze() *Verdicts {
	v.frozen = true
	return &Verdicts{names: v.names, ids: v.ids, kinds: slices.Clone(v.kinds), frozen: true}
}

// Renumber makes the verdicts those on other nodes. Nodes that keep their numbers keep their verdicts, those that are new
// have none.
func (v *Verdicts) Renumber(names Names) {
	for node := len(names.ByNumber); node < len(v.ids); node++ {
		v.Clear(node)
	}
	ids := make([]int32, len(names.ByNumber))
	copy(ids, v.ids)
	v.names, v.ids, v.frozen = names, ids, false
}

func (v *Verdicts) set(node int, id int32) {
	old := v.ids[node]
	if old == id {
		return
	}
	if v.frozen {
		v.ids, v.frozen = slices.Clone(v.ids), false
	}
	if old != 0 {
		v.kinds[old-1].count--
	}
	if id != 0 {
		v.kinds[id-1].count++
	}
	v.ids[node] = id
}

func (v *Verdicts) intern(status *fwk.Status, position int) int32 {
	kind := verdictKind{status: status, position: position}
	if len(v.kinds) <= fewKinds {
		for i := range v.kinds {
			if v.kinds[i].position == position && sameStatus(v.kinds[i].status, status) {
				return int32(i + 1)
			}
		}
	}
	if len(v.kinds) >= fewKinds {
		if v.byText == nil {
			v.byText = map[string]int32{}
			for i := range v.kinds {
				v.byText[v.kinds[i].text()] = int32(i + 1)
			}
		}
		text := kind.text()
		if id, known := v.byText[text]; known {
			return id
		}
		v.byText[text] = int32(len(v.kinds) + 1)
	}
	v.kinds = append(v.kinds, kind)
	return int32(len(v.kinds))
}

func sameStatus(a, b *fwk.Status) bool {
	return a.Code() == b.Code() && a.Plugin() == b.Plugin() && slices.Equal(a.Reasons(), b.Reasons())
}

func (k *verdictKind) text() string {
	return strings.Join(append([]string{strconv.Itoa(k.position), k.status.Plugin(), k.status.Code().String()}, k.status.Reasons()...), "\x00")
}
