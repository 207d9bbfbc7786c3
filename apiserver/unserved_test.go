package apiserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

func TestWhoMakesWhatNobodyActsOnIsWarned(t *testing.T) {
	t.Parallel()
	const text = "nothing comes of it"
	server := start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Unserved: map[schema.GroupResource]string{
		{Group: "policy", Resource: "poddisruptionbudgets"}: text,
	}})
	ready(t, server)
	config, err := server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	budget := func(apiVersion, name string) string {
		return fmt.Sprintf(`{"apiVersion": %q, "kind": "PodDisruptionBudget", "metadata": {"name": %q}, "spec": {}}`, apiVersion, name)
	}
	const first, second = "/apis/policy/v1/namespaces/default/poddisruptionbudgets", "/apis/policy.orrery.dev/v1/namespaces/default/poddisruptionbudgets"
	for _, c := range []struct{ name, method, path, media, body, want string }{
		{"one that is created", "POST", first, "application/json", budget("policy/v1", "created"), text},
		{"one by its second name", "POST", second, "application/json", budget("policy.orrery.dev/v1", "second"), text},
		{"one that is applied", "PATCH", first + "/applied?fieldManager=test", "application/apply-patch+yaml", budget("policy/v1", "applied"), text},
		{"one that is changed", "PATCH", first + "/applied", "application/merge-patch+json", `{"metadata": {"labels": {"a": "b"}}}`, ""},
		{"another kind", "POST", "/api/v1/namespaces/default/configmaps", "application/json", `{"metadata": {"name": "config"}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), c.method, server.URL()+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", c.media)
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }() // its status tells
			warned := strings.Join(answer.Header.Values("Warning"), " ")
			if answer.StatusCode >= 300 || c.want == "" && warned != "" || !strings.Contains(warned, c.want) {
				t.Errorf("the answer is %s with the warning %q, want one with %q", answer.Status, warned, c.want)
			}
		})
	}
}
