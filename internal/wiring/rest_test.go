package wiring_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/apiserver/testserver"
	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// periodic are the requests that loops make though nothing happens, with the reason.
var periodic = []struct {
	who, what *regexp.Regexp
	why       string
}{
	{
		regexp.MustCompile(`^controllers$`), regexp.MustCompile(`^GET /apis?(\?|$)`),
		"garbage collection asks every 30 s for the kinds that there are: an aggregated server may have got one, and nothing tells of that",
	},
	{
		regexp.MustCompile(``), regexp.MustCompile(`^GET .*[?&]watch=`),
		"a watch ends after 5 to 10 minutes, and is begun anew",
	},
}

// restful is how long loops are looked at: so long that what comes every 30 s comes twice.
const restful = 65 * time.Second

// calls are the requests of some clients.
type calls struct {
	mu   sync.Mutex
	made []call
}

type call struct {
	at        time.Time
	who, what string
}

// of is a configuration whose requests are written down as those of somebody.
func (c *calls) of(who string, config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			c.mu.Lock()
			c.made = append(c.made, call{time.Now(), who, request.Method + " " + request.URL.RequestURI()})
			c.mu.Unlock()
			return next.RoundTrip(request)
		})
	})
	return config
}

// since are the requests that were made after a moment.
func (c *calls) since(moment time.Time) []call {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.made, func(made call) bool { return made.at.After(moment) })
	if i < 0 {
		return nil
	}
	return slices.Clone(c.made[i:])
}

// unexplained are those of some requests that have no reason, and how often each was made.
func unexplained(made []call) []string {
	times := map[string]int{}
	for _, m := range made {
		explained := false
		for _, p := range periodic {
			explained = explained || p.who.MatchString(m.who) && p.what.MatchString(m.what)
		}
		if !explained {
			times[m.who+": "+m.what]++
		}
	}
	var lines []string
	for what, n := range times {
		lines = append(lines, fmt.Sprintf("%d times %s", n, what))
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(a, b) })
	return lines
}

// When all that was asked for has been done, the loops ask the API server for nothing.
func TestAtRestLoopsMakeNoRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than a minute of rest")
	}
	t.Parallel()
	server := testserver.Start(t, apiserver.Options{Ephemeral: true, TwoNames: true, Logger: logr.Discard()})
	admin := testserver.Config(t, server, identity.Admin)
	var seen calls
	c := wiring.Cluster{Config: seen.of("controllers", testserver.Config(t, server, identity.ControllerCache)), Naming: apis.Kubernetes}.Beside(server)
	c.ConfigOf = func(loop string) (*rest.Config, error) {
		config, err := server.ControllerConfig(loop)
		if err != nil {
			return nil, err
		}
		return seen.of(loop, config), nil
	}
	controllers, err := wiring.NewControllers(c, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}})
	if err != nil {
		t.Fatal(err)
	}
	stop := running(t, controllers, func() {})
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	somethingOfEach(t, admin)

	var begun time.Time
	await.Until(t, "the loops to have asked for nothing in 10 s", func() (string, bool) {
		begun = time.Now()
		last := unexplained(seen.since(begun.Add(-10 * time.Second)))
		return strings.Join(last, "\n"), len(last) == 0
	})
	ctx, end := context.WithTimeout(t.Context(), restful)
	defer end()
	<-ctx.Done() // the rest is what is looked at
	made := seen.since(begun)
	for _, line := range unexplained(made) {
		t.Errorf("at rest %s", line)
	}
	t.Logf("%d requests in %s, of %d before", len(made), restful, len(seen.since(time.Time{}))-len(made))
	if len(made) == 0 {
		t.Error("not even those that have a reason: are requests seen at all?")
	}
}

// somethings are objects of the kinds that most loops are about. Nothing ever changes about them: no node takes the pods.
const somethings = `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: deployment}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: TEMPLATE}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: statefulset}, spec: {selector: {matchLabels: {app: web}}, template: TEMPLATE}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: daemonset}, spec: {selector: {matchLabels: {app: web}}, template: TEMPLATE}}
---
{apiVersion: v1, kind: ReplicationController, metadata: {name: replicationcontroller}, spec: {selector: {app: web}, template: TEMPLATE}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: job}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: web}]}}}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: cronjob}, spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: web}]}}}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: service}, spec: {selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: budget}, spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: quota}, spec: {hard: {pods: "100", configmaps: "100"}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: claim}, spec: {storageClassName: none, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: owned, ownerReferences: [{apiVersion: v1, kind: Service, name: service, uid: SERVICE}]}}
`

// somethingOfEach makes the objects, and waits until something has come of them.
func somethingOfEach(t *testing.T, config *rest.Config) {
	t.Helper()
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(somethings, "TEMPLATE", "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}")
	for document := range strings.SplitSeq(text, "---") {
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &obj.Object); err != nil {
			t.Fatal(err)
		}
		obj.SetNamespace("default")
		if owners := obj.GetOwnerReferences(); len(owners) > 0 {
			owner := &corev1.Service{}
			if err := c.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: owners[0].Name}, owner); err != nil {
				t.Fatal(err)
			}
			owners[0].UID = owner.UID
			obj.SetOwnerReferences(owners)
		}
		await.Success(t, "a "+obj.GetKind()+" can be made", func() error { return c.Create(t.Context(), obj) }) // quotas are charged late
	}
	await.Until(t, "the pods to be made", func() (string, bool) {
		pods := &corev1.PodList{}
		if err := c.List(t.Context(), pods, client.InNamespace("default")); err != nil {
			return err.Error(), false
		}
		return fmt.Sprint(len(pods.Items), " pods"), len(pods.Items) == 5 // of which no DaemonSet has one without a node
	})
}
