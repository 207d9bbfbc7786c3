package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	appsinformers "k8s.io/client-go/informers/apps/v1"
	batchinformers "k8s.io/client-go/informers/batch/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/orrery-dev/orrery/bench/internal/access"
	"github.com/orrery-dev/orrery/bench/internal/child"
	"github.com/orrery-dev/orrery/bench/internal/progress"
)

// stage is one run of one workload with one manager: a server, a client of it, nodes, and most of the time the manager.
type stage struct {
	settings  settings
	workload  string
	contender string
	dir       string
	say       *progress.Progress

	server  *child.Child
	access  serverReply
	manager *child.Child
	client  *kubernetes.Clientset
	config  *rest.Config
	tally   tally
	placed  atomic.Int64

	informers informers.SharedInformerFactory
	pods      coreinformers.PodInformer
	apps      appsinformers.Interface
	batch     batchinformers.Interface

	steps []figures
}

// measure runs a workload with one manager on an API server of its own, and returns the figures of the steps that it came to.
func measure(ctx context.Context, s settings, w workload, contender string) (steps []figures, err error) {
	dir, err := os.MkdirTemp("", "bench-controllers-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	g := &stage{settings: s, workload: w.name, contender: contender, dir: dir, say: progress.New(w.name + " · " + contender)}
	defer g.say.End()
	g.say.Phase("starting an API server")
	if g.server, err = child.Start(ctx, dir, roleServer, serverOrder{Dir: dir}, &g.access); err != nil {
		return nil, err
	}
	defer func() {
		_, stopErr := g.server.Stop()
		err = errors.Join(err, stopErr)
	}()
	defer func() { err = errors.Join(err, g.dismiss()) }()
	g.tally = tally{path: g.access.Audit, counts: map[request]int{}}
	if err := g.look(ctx); err != nil {
		return nil, err
	}
	err = g.alive(ctx, func(ctx context.Context) error {
		if err := g.createNodes(ctx); err != nil {
			return err
		}
		if err := g.hire(ctx); err != nil {
			return err
		}
		return w.run(ctx, g)
	})
	return g.steps, err
}

// look makes the client, gives the manager its rights, and begins to watch.
func (g *stage) look(ctx context.Context) (err error) {
	g.config = access.InProtobuf(g.access.Driver.Config())
	if g.client, err = kubernetes.NewForConfig(g.config); err != nil {
		return fmt.Errorf("building a client: %w", err)
	}
	all := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "bench"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: managerUser}},
	}
	if _, err := g.client.RbacV1().ClusterRoleBindings().Create(ctx, all, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("giving the manager its rights: %w", err)
	}
	g.informers = informers.NewSharedInformerFactoryWithOptions(g.client, 0, informers.WithTransform(stripped))
	g.pods, g.apps, g.batch = g.informers.Core().V1().Pods(), g.informers.Apps().V1(), g.informers.Batch().V1()
	g.pods.Informer()
	g.apps.Deployments().Informer()
	g.apps.ReplicaSets().Informer()
	g.apps.StatefulSets().Informer()
	g.batch.Jobs().Informer()
	g.batch.CronJobs().Informer()
	g.informers.Core().V1().Namespaces().Informer()
	g.informers.Core().V1().ServiceAccounts().Informer()
	g.informers.Core().V1().ResourceQuotas().Informer()
	g.informers.Autoscaling().V2().HorizontalPodAutoscalers().Informer()
	g.informers.StartWithContext(ctx)
	g.informers.WaitForCacheSync(ctx.Done())
	return ctx.Err()
}

// stripped leaves out of an object what nobody here reads.
func stripped(obj any) (any, error) {
	if o, err := meta.Accessor(obj); err == nil {
		o.SetManagedFields(nil)
	}
	return obj, nil
}

// alive runs do while nodes and pods live. That they cannot is an error.
func (g *stage) alive(ctx context.Context, do func(context.Context) error) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	lives, ctx := errgroup.WithContext(ctx)
	lives.Go(func() error { return g.keepAlive(ctx) })
	lives.Go(func() error { return g.runPods(ctx) })
	lives.Go(func() error { defer end(); return do(ctx) })
	return lives.Wait()
}

// hire starts the manager and waits until it does its work: a namespace gets an account, and a Deployment its pod.
func (g *stage) hire(ctx context.Context) error {
	if err := g.begin(ctx); err != nil {
		return err
	}
	probe := fmt.Sprintf("probe-%d", time.Now().UnixNano())
	if err := g.createNamespace(ctx, probe); err != nil {
		return err
	}
	if err := g.createDeployment(ctx, probe, "probe", 1); err != nil {
		return err
	}
	if err := g.until(ctx, "the manager to work", func() (string, bool) { return g.allAvailable(probe, 1, 1) }); err != nil {
		return err
	}
	return g.rest(ctx)
}

// begin starts the manager.
func (g *stage) begin(ctx context.Context) (err error) {
	g.say.Phase("starting the manager")
	order := managerOrder{Dir: g.dir, Server: g.access.Manager, Limits: g.settings.limits}
	g.manager, err = child.Start(ctx, g.dir, g.contender, order, new(managerReply))
	return err
}

// dismiss stops the manager, if there is one.
func (g *stage) dismiss() error {
	if g.manager == nil {
		return nil
	}
	_, err := g.manager.Stop()
	g.manager = nil
	return err
}

// profilePath is how the names of the profiles of a step begin.
func (g *stage) profilePath(step string) string {
	return filepath.Join(g.settings.profiles, fmt.Sprintf("%s-%s-%s", g.workload, step, g.contender))
}
