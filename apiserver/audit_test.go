package apiserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/naming"
	"github.com/orrery-dev/orrery/internal/await"
)

// auditEvents reads an audit log.
func auditEvents(path string) ([]auditv1.Event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only
	var events []auditv1.Event
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("reading line %q: %w", lines.Text(), err)
		}
		events = append(events, event)
	}
	return events, lines.Err()
}

func TestTheAuditLogTellsWhoAskedForWhatByWhichName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log", "audit.log")
	server := start(t, apiserver.Options{DataDir: dir, Ephemeral: true, TwoNames: true, Audit: &apiserver.Audit{LogFile: path}})
	keepSecret(t, clients(t, server, identity.Admin), "watched")
	if err := untyped(t, server, identity.Scheduler).Resource(orreryDeployments).Namespace("default").Delete(t.Context(), "web", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("a scheduler that deletes a Deployment got %v, want Forbidden", err)
	}

	var refused, written *auditv1.Event
	await.Until(t, "both requests in the audit log", func() (string, bool) {
		events, err := auditEvents(path)
		if err != nil {
			return err.Error(), false
		}
		for i, event := range events {
			switch {
			case event.ObjectRef == nil:
			case event.User.Username == identity.Scheduler.User && event.ObjectRef.Resource == "deployments":
				refused = &events[i]
			case event.ObjectRef.Resource == "secrets" && event.Verb == "create":
				written = &events[i]
			}
			if strings.HasPrefix(event.RequestURI, "/readyz") {
				t.Errorf("the log has a line for %s", event.RequestURI)
			}
		}
		return fmt.Sprintf("%d entries", len(events)), refused != nil && written != nil
	})
	if asked := refused.Annotations[naming.AuditAnnotation]; !strings.Contains(asked, orreryDeployments.Group) || refused.ObjectRef.APIGroup != "apps" {
		t.Errorf("a request by the second name is told as %q, of group %s", asked, refused.ObjectRef.APIGroup)
	}
	if refused.ResponseStatus == nil || refused.ResponseStatus.Code != 403 {
		t.Errorf("it was answered with %v, want 403", refused.ResponseStatus)
	}
	if written.User.Username != identity.Admin.User || written.RequestObject != nil || written.ResponseObject != nil {
		t.Errorf("the request for a Secret is told as %+v, want the admin's, without its content", written)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the log has mode %v, want 0600", info.Mode())
	}
}

func TestAnAuditPolicyOfOnesOwnIsObeyed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy, path := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Request, resources: [{group: '', resources: [configmaps]}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, apiserver.Options{DataDir: dir, Ephemeral: true, Audit: &apiserver.Audit{LogFile: path, PolicyFile: policy}})
	client := clients(t, server, identity.Admin)
	keepSecret(t, client, "unseen")
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("seen"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the ConfigMap in the audit log", func() (string, bool) {
		events, err := auditEvents(path)
		if err != nil {
			return err.Error(), false
		}
		for _, event := range events {
			if event.ObjectRef != nil && event.ObjectRef.Resource == "secrets" {
				t.Errorf("the log has %s %s", event.Verb, event.RequestURI)
			}
			if event.ObjectRef != nil && event.ObjectRef.Name == "seen" && event.RequestObject != nil {
				return "", true
			}
		}
		return fmt.Sprintf("%d entries", len(events)), false
	})
}
