package eviction

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/enginetest"
)

// TestWhateverRunsShortTheNodeComesToRest has memory and disk run short and get free again, pods come, and the agent start anew at any
// moment: no pod is evicted that must not be, or while there is enough.
func TestWhateverRunsShortTheNodeComesToRest(t *testing.T) {
	enginetest.Check(t, enginetest.Spec[engine.One, World, *Manager, *model]{
		Start: func(t *rapid.T, env *enginetest.Env) *model {
			m := &model{clock: env.Clock(), uses: map[types.UID]int{}, slow: rapid.Bool().Draw(t, "pods take their time to end")}
			m.run("critical", 100, 0, func(pod *corev1.Pod) { pod.Spec.Priority = ptr.To[int32](2_000_000_000) })
			return m
		},
		Loop: func(m *model) engine.Loop[engine.One, World, *Manager] {
			if err := m.begin(Settings{}); err != nil {
				panic(err)
			}
			return m.manager
		},
		Keys: func(*model) []engine.One { return []engine.One{{}} },
		State: func(m *model) string {
			lines := []string{fmt.Sprint(m.other, m.full, m.unused)}
			for _, pod := range m.pods {
				lines = append(lines, fmt.Sprint(pod.Name, pod.Status.Phase, m.uses[pod.UID]))
			}
			return strings.Join(lines, "\n")
		},
		Change: func(t *rapid.T, m *model) {
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				m.other = rapid.IntRange(0, 900).Draw(t, "memory in use besides pods")
			case 1:
				m.full, m.unused = rapid.IntRange(0, 80).Draw(t, "disk in use"), rapid.IntRange(0, 20).Draw(t, "images that nobody uses")
			case 2:
				m.run(fmt.Sprint("pod-", len(m.pods)), rapid.IntRange(1, 300).Draw(t, "uses"), rapid.IntRange(0, 300).Draw(t, "requests"))
			default:
				m.end()
			}
		},
		Calm: func(m *model) {
			m.other, m.full = 0, 0
			m.slow = false
			m.end()
			for i := range m.pods[1:] { // and there are no more pods than have room
				m.uses[m.pods[i+1].UID] = min(m.uses[m.pods[i+1].UID], 700/len(m.pods))
			}
		},
		Invariant: func(m *model) error {
			if len(m.wrong) > 0 {
				return errors.New(m.wrong[0])
			}
			return nil
		},
		Converged: func(m *model) error {
			if conditions := m.manager.Conditions(); len(conditions) > 0 {
				return fmt.Errorf("the node still has %v", conditions)
			}
			return nil
		},
	})
}

// end has the containers of pods that were evicted end.
func (m *model) end() {
	for _, pod := range slices.Clone(m.pods) {
		if pod.Status.Phase == corev1.PodFailed {
			m.uses[pod.UID] = 0
		}
	}
}
