package rights_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/orrery-dev/orrery/envtest"
)

// audit is a log of every request that an API server has answered.
type audit struct{ path string }

// newAudit has an environment write one. It is complete when the environment has stopped.
func newAudit(t *testing.T, te *envtest.Environment) audit {
	t.Helper()
	policy, log := filepath.Join(t.TempDir(), "policy.yaml"), filepath.Join(t.TempDir(), "audit.log")
	everything := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"
	if err := os.WriteFile(policy, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	te.ControlPlane.GetAPIServer().Configure().Append("audit-policy-file", policy).Append("audit-log-path", log)
	return audit{log}
}

// tally is what the log tells of one user.
type tally struct {
	answered int
	refused  []string
}

// tallies tells of every user that is one of our components.
func (a audit) tallies(t *testing.T) map[string]tally {
	t.Helper()
	file, err := os.Open(a.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // read only
	found := map[string]tally{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("reading the audit log: %v: %s", err, lines.Text())
		}
		user := event.User.Username
		if !strings.HasPrefix(user, "orrery:") && !strings.HasPrefix(user, "system:node:") {
			continue
		}
		if slices.Contains(event.User.Groups, "system:masters") {
			t.Errorf("%s is in system:masters, whom no rule restricts", user)
		}
		one := found[user]
		one.answered++
		if refused(&event) {
			one.refused = append(one.refused, fmt.Sprintf("%s %s: %s", event.Verb, event.RequestURI, event.ResponseStatus.Message))
		}
		found[user] = one
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// refused reports that a request was not allowed. That nothing can be created in a namespace which is being deleted has the
// same code, and is the namespace's business.
func refused(event *auditv1.Event) bool {
	status := event.ResponseStatus
	if status == nil || status.Code != http.StatusForbidden {
		return false
	}
	return status.Details == nil || !slices.ContainsFunc(status.Details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Type == corev1.NamespaceTerminatingCause
	})
}
