package simulate

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestAClaimThatCannotBeBoundEndsTheSimulation(t *testing.T) {
	volume := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "disk"},
		"spec":     map[string]any{"claimRef": map[string]any{"namespace": "default", "name": "data"}},
	}}
	for name, test := range map[string]struct{ spec, want string }{
		"because it is gone":   {want: ""},
		"because it is no map": {spec: "text", want: "binding claim default/data to volume disk"},
	} {
		t.Run(name, func(t *testing.T) {
			w := New(Options{})
			if test.spec != "" {
				claim := &unstructured.Unstructured{Object: map[string]any{
					"metadata": map[string]any{"namespace": "default", "name": "data"}, "spec": test.spec,
				}}
				if err := w.AddObject(t.Context(), claims, claim); err != nil {
					t.Fatal(err)
				}
			}
			w.replica.OnWrite(volumes, nil, volume)
			switch err := w.replica.Err(); {
			case test.want == "" && err != nil:
				t.Errorf("a claim that is gone is an error: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the simulation goes on with %v, want %q", err, test.want)
			}
		})
	}
}
