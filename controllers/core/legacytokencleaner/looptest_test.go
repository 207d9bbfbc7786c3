package legacytokencleaner

import (
	"errors"
	"fmt"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestUnusedTokensGoInTheEnd lets months pass, in which tokens are used and pods come and go, under both namings: none goes that was not
// invalid for a year, or that a pod refers to, and those that somebody asked for stay.
func TestUnusedTokensGoInTheEnd(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				long := created(metav1.NewTime(looptest.Begin.Add(-2 * unused)))
				return []client.Object{
					&corev1.ConfigMap{
						ObjectMeta: metav1.ObjectMeta{Namespace: tracking.Namespace, Name: tracking.Name},
						Data:       map[string]string{"since": looptest.Begin.Add(-2 * unused).Format(time.DateOnly)},
					},
					&corev1.ServiceAccount{
						ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "builder"},
						Secrets:    []corev1.ObjectReference{{Name: "a"}, {Name: "b"}},
					},
					token("a", long), token("b", long), token("wanted", long), user("b"),
				}
			},
			Change:     useOrWait,
			Invariants: []looptest.Invariant{onlyWhatIsUnused},
			Converged:  whatIsUnusedIsInvalid,
		})
	})
}

// whatIsUnusedIsInvalid holds that each token which is to be invalid by now says so, or has gone.
func whatIsUnusedIsInvalid(w *looptest.World) error {
	used := map[string]bool{"wanted": true}
	for _, pod := range looptest.All[*ocorev1.Pod](w) {
		used[secretsOf(&pod.Spec)[0]] = true
	}
	for _, s := range looptest.All[*corev1.Secret](w) {
		last, said := dayOf(s.Labels[lastUsed])
		_, invalid := dayOf(s.Labels[invalidSince])
		if lately := said && w.Now().Sub(last) <= unused+day; !used[s.Name] && !lately && !invalid {
			return fmt.Errorf("token %s is good, and was used on %q", s.Name, s.Labels[lastUsed])
		}
		delete(used, s.Name)
	}
	if used["wanted"] {
		return errors.New("the token that somebody asked for has gone")
	}
	return nil
}

// user is a pod with a Secret.
func user(secret string) *ocorev1.Pod {
	return gen.Pod("user-of-"+secret, func(pod *ocorev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret}}}}
	})
}

func useOrWait(t *rapid.T, w *looptest.World) {
	name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "token")
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		looptest.Edit(w, "apiserver", token(name), labelled(lastUsed, w.Now().Format(time.DateOnly)))
	case 1:
		err = w.Client("user").Create(t.Context(), user(name))
	case 2:
		err = w.Client("user").Delete(t.Context(), user(name))
	default:
		w.Step(time.Duration(rapid.IntRange(1, 400).Draw(t, "days")) * day)
	}
	if client.IgnoreNotFound(client.IgnoreAlreadyExists(err)) != nil {
		t.Fatal(err)
	}
}

func onlyWhatIsUnused(w *looptest.World, wrote looptest.Write) error {
	was, ok := wrote.Before.(*corev1.Secret)
	if !ok || wrote.By == "apiserver" {
		return nil
	}
	if was.Name == "wanted" {
		return fmt.Errorf("somebody asked for token %s, and it is written", was.Name)
	}
	if wrote.After != nil {
		return nil
	}
	since, said := dayOf(was.Labels[invalidSince])
	if !said || w.Now().Sub(since) < unused {
		return fmt.Errorf("token %s went, and was invalid since %q", was.Name, was.Labels[invalidSince])
	}
	if used, said := dayOf(was.Labels[lastUsed]); said && w.Now().Sub(used) < unused {
		return fmt.Errorf("token %s went, and was used on %s", was.Name, used)
	}
	return nil
}
