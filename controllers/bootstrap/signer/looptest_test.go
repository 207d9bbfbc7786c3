package signer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/looptest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cluster-bootstrap/token/jws"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestTheClusterIsSignedWithItsTokens lets tokens come, go and expire, and people spoil what is signed, under both namings: in the end
// each token that is good signs what is there, and no other.
func TestTheClusterIsSignedWithItsTokens(t *testing.T) {
	gen.EachNaming(t, func(t *testing.T, scheme *runtime.Scheme) {
		looptest.Check(t, looptest.Spec{
			Scheme: scheme,
			Loops:  []loop.Loop{Loop()},
			Start: func(*rapid.T) []client.Object {
				return []client.Object{
					info(map[string]string{"kubeconfig": "here", "jws-kubeconfig-zzzzzz": "old"}),
					token("aaaaaa", expires(looptest.Begin.Add(time.Hour))), token("bbbbbb"),
				}
			},
			Change:    comeGoOrSpoil,
			Converged: eachSigns,
		})
	})
}

func comeGoOrSpoil(t *rapid.T, w *looptest.World) {
	id := rapid.SampledFrom([]string{"aaaaaa", "bbbbbb", "cccccc"}).Draw(t, "token")
	var err error
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		err = w.Client("user").Create(t.Context(), token(id))
	case 1:
		err = w.Client("user").Delete(t.Context(), token(id))
	case 2:
		looptest.Edit(w, "user", token(id), expires(w.Now().Add(30*time.Minute)))
	case 3:
		looptest.Edit(w, "user", info(nil), func(c *corev1.ConfigMap) { c.Data["jws-kubeconfig-"+id] = "mine" })
	default:
		looptest.Edit(w, "user", info(nil), func(c *corev1.ConfigMap) { c.Data["kubeconfig"] = "there" })
	}
	if client.IgnoreNotFound(client.IgnoreAlreadyExists(err)) != nil {
		t.Fatal(err)
	}
}

func eachSigns(w *looptest.World) error {
	signed := looptest.All[*corev1.ConfigMap](w)[0].Data
	want := map[string]string{}
	for _, s := range looptest.All[*corev1.Secret](w) {
		id, secret, _ := signsBy(s, w.Now())
		if secret == "" {
			continue
		}
		signature, err := jws.ComputeDetachedSignature(signed["kubeconfig"], id, secret)
		if err != nil {
			return err
		}
		want["jws-kubeconfig-"+id] = signature
	}
	for key, value := range signed {
		if strings.HasPrefix(key, "jws-") && value != want[key] {
			return fmt.Errorf("%s is %s, want %q", key, value, want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		return fmt.Errorf("missing are %v", want)
	}
	return nil
}
