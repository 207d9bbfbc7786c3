package auditlog

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/orrery-dev/orrery/envtest/rbac"
)

// policy has every request told in one line.
const policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"

// Log is a log of every request that an API server has answered. It is complete when the server has stopped.
type Log struct {
	// Policy and Path are the files that the API server is to be told of.
	Policy, Path string
}

// New prepares a log in a directory.
func New(dir string) (Log, error) {
	l := Log{Policy: filepath.Join(dir, "policy.yaml"), Path: filepath.Join(dir, "audit.log")}
	return l, os.WriteFile(l.Policy, []byte(policy), 0o600)
}

// Flags are those of the API server that is to write the log.
func (l Log) Flags() []string {
	return []string{"--audit-policy-file=" + l.Policy, "--audit-log-path=" + l.Path}
}

// Activity is what the log tells of a user.
type Activity struct {
	// Answered is how many requests were answered.
	Answered int
	// Refused are the requests that were not allowed, with the reason.
	Refused []string

	allowed map[rbac.Request]bool
}

// Allowed are the others, each sort once. Of nobody there are none.
func (a *Activity) Allowed() []rbac.Request {
	if a == nil {
		return nil
	}
	return slices.Collect(maps.Keys(a.allowed))
}

// Components tells of every user that is one of our components, by its name. The administrator is none.
func (l Log) Components() (map[string]*Activity, error) {
	file, err := os.Open(l.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only
	found := map[string]*Activity{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w: %s", err, lines.Text())
		}
		user := event.User.Username
		if !isComponent(user) {
			continue
		}
		if found[user] == nil {
			found[user] = &Activity{allowed: map[rbac.Request]bool{}}
		}
		found[user].note(&event)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return found, nil
}

// Refusals are the requests that any of our components was refused.
func (l Log) Refusals() ([]string, error) {
	components, err := l.Components()
	var all []string
	for user, did := range components {
		for _, refusal := range did.Refused {
			all = append(all, user+" was refused: "+refusal)
		}
	}
	slices.Sort(all)
	return all, err
}

func isComponent(user string) bool {
	return strings.HasPrefix(user, "orrery:") && user != "orrery:admin" || strings.HasPrefix(user, "system:node:")
}

func (a *Activity) note(event *auditv1.Event) {
	a.Answered++
	if slices.Contains(event.User.Groups, "system:masters") {
		a.Refused = append(a.Refused, "nothing, as it is in system:masters, whom no rule restricts")
	}
	if refused(event) {
		a.Refused = append(a.Refused, fmt.Sprintf("%s %s: %s", event.Verb, event.RequestURI, event.ResponseStatus.Message))
		return
	}
	a.allowed[requestOf(event)] = true
}

// requestOf is what a request was judged by.
func requestOf(event *auditv1.Event) rbac.Request {
	ref := event.ObjectRef
	if ref == nil {
		path, _, _ := strings.Cut(event.RequestURI, "?")
		return rbac.Request{Verb: event.Verb, URL: path}
	}
	resource := ref.Resource
	if ref.Subresource != "" {
		resource += "/" + ref.Subresource
	}
	return rbac.Request{Verb: event.Verb, Group: ref.APIGroup, Resource: resource, Namespace: ref.Namespace, Name: ref.Name}
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
