package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
)

// audited are flags that have the API server write down who was answered what, and the path where it does.
func audited(t *testing.T) (flags []string, log string) {
	t.Helper()
	dir := t.TempDir()
	policy, log := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	everything := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"
	if err := os.WriteFile(policy, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--apiserver-arg=--audit-policy-file=" + policy, "--apiserver-arg=--audit-log-path=" + log}, log
}

// answers counts the answers to each user, and returns the requests of our components that were refused, with what was said. A node that
// was allowed the same thing a moment later had only heard of its pod before the API server's Node authorizer had.
func answers(t *testing.T, log string) (count map[string]int, refused map[string]string) {
	t.Helper()
	file, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // read only
	count, refused = map[string]int{}, map[string]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			ResponseStatus   struct {
				Code    int
				Message string
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("reading the audit log: %v: %s", err, lines.Text())
		}
		user, status := event.User.Username, event.ResponseStatus
		count[user]++
		node := strings.HasPrefix(user, "system:node:")
		request := user + " " + event.Verb + " " + event.RequestURI
		switch {
		case !node && !strings.HasPrefix(user, "orrery:"):
		case status.Code == 403 && !strings.Contains(status.Message, "because it is being terminated"):
			refused[request] = status.Message
		case node && status.Code < 300:
			delete(refused, request)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return count, refused
}

// everyKind has pods that read what pods can: a Secret, a ConfigMap, a token, each in a volume and the environment.
const everyKind = `
apiVersion: v1
kind: Namespace
metadata: {name: passing}
---
apiVersion: v1
kind: Secret
metadata: {name: password, namespace: passing}
stringData: {password: SECRET}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: passing}
data: {greeting: hello}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: passing}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: passing}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: IMAGE
        envFrom: [{secretRef: {name: password}}, {configMapRef: {name: settings}}]
        volumeMounts: [{name: all, mountPath: /all}]
      volumes:
      - name: all
        projected:
          sources:
          - secret: {name: password}
          - configMap: {name: settings}
          - serviceAccountToken: {path: token}
          - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lost, namespace: passing}
spec:
  nodeSelector: {example.org/there: "no"}
  containers: [{name: web, image: IMAGE}]
`

// secretWord is what nobody may read but those whom it was given to.
const secretWord = "the-orbit-of-vulcan"

// A session with each runtime in which no component is refused anything, and nothing secret is told or left lying about.
func TestComponentsHaveTheRightsTheyNeedAndKeepSecrets(t *testing.T) {
	t.Parallel()
	for runtime, components := range map[string][]string{
		"simulated":  {"orrery:controller-cache", "orrery:controller:deployment-controller", "orrery:scheduler", "orrery:simulated-nodes"},
		"containerd": {"orrery:controller-cache", "orrery:controller:deployment-controller", "orrery:scheduler", "orrery:proxy"},
	} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			if runtime == "containerd" {
				needsContainers(t)
			}
			flags, log := audited(t)
			p := start(t, append(flags, "--runtime", runtime, "--v", "4")...)
			p.apply(strings.NewReplacer("IMAGE", webImage, "SECRET", secretWord).Replace(everyKind))
			p.kubectl("rollout", "status", "deployment/web", "-n", "passing", "--timeout="+await.Deadline.String())
			token := strings.TrimSpace(p.kubectl("create", "token", "default", "-n", "passing"))
			pod := strings.Fields(p.get("pods", "{.items[*].metadata.name}", "-n", "passing", "-l", "app=web"))[0]
			p.kubectl("logs", pod, "-n", "passing")
			p.kubectl("delete", "pod", pod, "-n", "passing")
			p.kubectl("set", "env", "deployment/web", "-n", "passing", "GREETING=again")
			p.kubectl("rollout", "status", "deployment/web", "-n", "passing", "--timeout="+await.Deadline.String())

			secrets := p.privateKeys()
			p.keepsToItself(secrets)
			secrets = append(secrets, secretWord, base64.StdEncoding.EncodeToString([]byte(secretWord)), token)
			p.kubectl("delete", "deployment/web", "-n", "passing", "--cascade=foreground")
			p.kubectl("delete", "namespace", "passing", "--timeout="+await.Deadline.String())
			p.kubectl("create", "deployment", "left", "--image="+webImage)
			p.rolledOut("left")
			p.kubectl("delete", "deployment/left", "--cascade=orphan")
			p.kubectl("delete", "replicasets,pods", "-l", "app=left")
			p.orrery("down")

			p.tellsNone(secrets)
			count, refused := answers(t, log)
			t.Logf("answers: %v", count)
			for request, message := range refused {
				t.Errorf("refused: %s: %s", request, message)
			}
			for _, component := range components {
				if count[component] == 0 {
					t.Errorf("%s has asked for nothing", component)
				}
			}
		})
	}
}

// privateKeys are the secret parts of all keys in the data directory, a line of each. Their files are their owner's alone.
func (p *plane) privateKeys() []string {
	p.t.Helper()
	var keys []string
	p.eachFile(func(path string, mode fs.FileMode, content []byte) {
		_, key, ok := bytes.Cut(content, []byte("PRIVATE KEY-----\n"))
		if !ok {
			return
		}
		line, _, _ := strings.Cut(string(key), "\n")
		keys = append(keys, line)
		if mode.Perm()&0o077 != 0 {
			p.t.Errorf("%s holds a private key, and has the mode %v", path, mode)
		}
	})
	if len(keys) < 5 {
		p.t.Errorf("found %d private keys, want those of two authorities, the server, its clients and the accounts' tokens", len(keys))
	}
	return keys
}

// keepsToItself checks that others cannot get at secrets: that some directory above each file, or the file, is closed to them.
func (p *plane) keepsToItself(keys []string) {
	p.t.Helper()
	found := 0
	p.eachFile(func(path string, mode fs.FileMode, content []byte) {
		secret := bytes.Contains(content, []byte(secretWord))
		for _, key := range keys {
			secret = secret || bytes.Contains(content, []byte(key))
		}
		if !secret && !strings.Contains(path, "/etcd/") && filepath.Base(path) != "kubeconfig" {
			return
		}
		found++
		for dir := path; mode.Perm()&0o007 != 0; dir = filepath.Dir(dir) {
			above, err := os.Stat(filepath.Dir(dir))
			if err != nil {
				p.t.Fatal(err)
			}
			if mode = above.Mode(); filepath.Dir(dir) == p.dir {
				p.t.Errorf("anybody on this machine can read the secrets in %s", path)
				break
			}
		}
	})
	if found == 0 {
		p.t.Error("there are no secrets in the data directory, not even etcd's")
	}
}

// tellsNone checks that the logs of the instance hold no secret.
func (p *plane) tellsNone(secrets []string) {
	p.t.Helper()
	lines := 0
	p.eachFile(func(path string, _ fs.FileMode, content []byte) {
		if filepath.Ext(path) != ".log" {
			return
		}
		lines += bytes.Count(content, []byte("\n"))
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				p.t.Errorf("%s tells the secret %s...", path, secret[:min(len(secret), 10)])
			}
		}
	})
	if lines == 0 {
		p.t.Error("the logs are empty")
	}
}

// eachFile calls do for the regular files of the instance, but for the images and root file systems of containers.
func (p *plane) eachFile(do func(path string, mode fs.FileMode, content []byte)) {
	p.t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, p.name), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), "io.containerd.") {
			return fs.SkipDir
		}
		if os.IsNotExist(err) || err == nil && !entry.Type().IsRegular() {
			return nil // what goes meanwhile tells nothing
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // as above
		}
		content, err := os.ReadFile(path)
		if err == nil {
			do(path, info.Mode(), content)
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}
