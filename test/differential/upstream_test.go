package differential

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/cronjob"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/disruption"
	"k8s.io/kubernetes/pkg/controller/endpoint"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/endpointslicemirroring"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/nodelifecycle"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	podmetrics "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/replication"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/controller/tainteviction"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
	"k8s.io/kubernetes/pkg/controller/volume/persistentvolume"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"
)

// upstream are kube-controller-manager's controllers on one API server, put together as that program does it.
type upstream struct {
	side      *side
	config    *rest.Config
	client    kubernetes.Interface
	metadata  metadata.Interface
	discovery *discovery.DiscoveryClient
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	informers informers.SharedInformerFactory
	metas     informerfactory.InformerFactory
	started   chan struct{}
	running   sync.WaitGroup
}

const (
	resync  = 12 * time.Hour
	workers = 5
	// recount is how often upstream counts what quotas limit, whatever happens. Between two times it knows nothing of what the API
	// server has charged to one quota for a pod that another then refused; five minutes of that are more than a scenario lasts.
	recount = 10 * time.Second
)

// runUpstream runs upstream's controllers until ctx ends.
func runUpstream(ctx context.Context, s *side, ready func()) error {
	ctx = klog.NewContext(ctx, klog.Logger{})
	u, err := newUpstream(s)
	if err != nil {
		return err
	}
	for _, start := range []func(context.Context) error{u.workloads, u.batch, u.services, u.budgets, u.quotas, u.owners, u.autoscalers, u.volumes, u.nodes} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	u.informers.Start(ctx.Done())
	u.metas.Start(ctx.Done())
	close(u.started)
	u.informers.WaitForCacheSync(ctx.Done())
	if ctx.Err() == nil {
		ready()
	}
	<-ctx.Done()
	u.running.Wait()
	u.informers.Shutdown()
	return nil
}

func newUpstream(s *side) (*upstream, error) {
	config := s.config
	u := &upstream{side: s, config: config, started: make(chan struct{})}
	var err error
	if u.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("making upstream's client: %w", err)
	}
	if u.metadata, err = metadata.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("making upstream's client of metadata: %w", err)
	}
	if u.discovery, err = discovery.NewDiscoveryClientForConfig(config); err != nil {
		return nil, fmt.Errorf("making upstream's client of discovery: %w", err)
	}
	u.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(u.discovery))
	u.informers = informers.NewSharedInformerFactory(u.client, resync)
	u.metas = informerfactory.NewInformerFactory(u.informers, metadatainformer.NewSharedInformerFactory(u.metadata, resync))
	return u, nil
}

// run is one of the controllers at work.
func (u *upstream) run(f func()) { u.running.Go(f) }

func (u *upstream) workloads(ctx context.Context) error {
	apps, core := u.informers.Apps().V1(), u.informers.Core().V1()
	deployments, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), u.client)
	if err != nil {
		return fmt.Errorf("making upstream's Deployment controller: %w", err)
	}
	daemons, err := daemon.NewDaemonSetsController(ctx, apps.DaemonSets(), apps.ControllerRevisions(), core.Pods(), core.Nodes(), u.client,
		flowcontrol.NewBackOff(time.Second, 15*time.Minute))
	if err != nil {
		return fmt.Errorf("making upstream's DaemonSet controller: %w", err)
	}
	replicaSets := replicaset.NewReplicaSetController(ctx, apps.ReplicaSets(), core.Pods(), u.client, replicaset.BurstReplicas)
	replications := replication.NewReplicationManager(ctx, core.Pods(), core.ReplicationControllers(), u.client, replication.BurstReplicas)
	statefulSets := statefulset.NewStatefulSetController(ctx, core.Pods(), apps.StatefulSets(), core.PersistentVolumeClaims(), apps.ControllerRevisions(), u.client)
	u.run(func() { deployments.Run(ctx, workers) })
	u.run(func() { daemons.Run(ctx, workers) })
	u.run(func() { replicaSets.Run(ctx, workers) })
	u.run(func() { replications.Run(ctx, workers) })
	u.run(func() { statefulSets.Run(ctx, workers) })
	return nil
}

func (u *upstream) batch(ctx context.Context) error {
	batch, pods := u.informers.Batch().V1(), u.informers.Core().V1().Pods()
	jobs, err := job.NewController(ctx, u.client, pods, batch.Jobs(), nil, nil)
	if err != nil {
		return fmt.Errorf("making upstream's Job controller: %w", err)
	}
	cronJobs, err := cronjob.NewControllerV2(ctx, batch.Jobs(), batch.CronJobs(), u.client)
	if err != nil {
		return fmt.Errorf("making upstream's CronJob controller: %w", err)
	}
	finished := ttlafterfinished.New(ctx, batch.Jobs(), u.client)
	u.run(func() { jobs.Run(ctx, workers) })
	u.run(func() { cronJobs.Run(ctx, workers) })
	u.run(func() { finished.Run(ctx, workers) })
	return nil
}

func (u *upstream) services(ctx context.Context) error {
	core, slices := u.informers.Core().V1(), u.informers.Discovery().V1().EndpointSlices()
	endpoints := endpoint.NewEndpointController(ctx, core.Pods(), core.Services(), core.Endpoints(), u.client, 0)
	endpointSlices := endpointslice.NewController(ctx, core.Pods(), core.Services(), core.Nodes(), slices, 100, u.client, 0)
	mirrored := endpointslicemirroring.NewController(ctx, core.Endpoints(), slices, core.Services(), 1000, u.client, 0)
	u.run(func() { endpoints.Run(ctx, workers) })
	u.run(func() { endpointSlices.Run(ctx, workers) })
	u.run(func() { mirrored.Run(ctx, workers) })
	return nil
}

func (u *upstream) budgets(ctx context.Context) error {
	apps, core := u.informers.Apps().V1(), u.informers.Core().V1()
	scales, err := scale.NewForConfig(u.config, u.mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(u.discovery))
	if err != nil {
		return fmt.Errorf("making upstream's client of scales: %w", err)
	}
	budgets := disruption.NewDisruptionController(ctx, core.Pods(), u.informers.Policy().V1().PodDisruptionBudgets(), core.ReplicationControllers(),
		apps.ReplicaSets(), apps.Deployments(), apps.StatefulSets(), u.client, u.mapper, scales, u.discovery)
	u.run(func() { budgets.Run(ctx, workers) })
	return nil
}

func (u *upstream) quotas(ctx context.Context) error {
	configuration, err := quotainstall.NewQuotaConfigurationForControllers(generic.ListerFuncForResourceFunc(u.informers.ForResource), u.informers)
	if err != nil {
		return fmt.Errorf("configuring upstream's quotas: %w", err)
	}
	kinds := u.discovery.ServerPreferredNamespacedResources
	quotas, err := resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient:               u.client.CoreV1(),
		ResourceQuotaInformer:     u.informers.Core().V1().ResourceQuotas(),
		ResyncPeriod:              controller.StaticResyncPeriodFunc(recount),
		InformerFactory:           u.metas,
		ReplenishmentResyncPeriod: controller.StaticResyncPeriodFunc(resync),
		DiscoveryFunc:             kinds,
		IgnoredResourcesFunc:      configuration.IgnoredResources,
		InformersStarted:          u.started,
		Registry:                  generic.NewRegistry(configuration.Evaluators()),
		UpdateFilter:              quotainstall.DefaultUpdateFilter(),
	})
	if err != nil {
		return fmt.Errorf("making upstream's ResourceQuota controller: %w", err)
	}
	u.run(func() { quotas.Run(ctx, workers) })
	u.run(func() { quotas.Sync(ctx, kinds, 30*time.Second) })
	return nil
}

func (u *upstream) autoscalers(ctx context.Context) error {
	scales, err := scale.NewForConfig(u.config, u.mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(u.discovery))
	if err != nil {
		return fmt.Errorf("making upstream's client of scales: %w", err)
	}
	o, err := u.side.metricsClients(u.mapper)
	if err != nil {
		return err
	}
	autoscalers := podautoscaler.NewHorizontalController(ctx, u.client.CoreV1(), scales, u.client.AutoscalingV2(), u.mapper,
		podmetrics.NewRESTMetricsClient(o.Resource, o.Custom, o.External), u.informers.Autoscaling().V2().HorizontalPodAutoscalers(),
		u.informers.Core().V1().Pods(), o.SyncPeriod, o.DownscaleStabilization, o.Tolerance, o.CPUInitializationPeriod, o.InitialReadinessDelay)
	u.run(func() { autoscalers.Run(ctx, workers) })
	return nil
}

func (u *upstream) volumes(ctx context.Context) error {
	core := u.informers.Core().V1()
	volumes, err := persistentvolume.NewController(ctx, persistentvolume.ControllerParameters{
		KubeClient: u.client, SyncPeriod: 5 * time.Second, VolumeInformer: core.PersistentVolumes(), ClaimInformer: core.PersistentVolumeClaims(),
		ClassInformer: u.informers.Storage().V1().StorageClasses(), PodInformer: core.Pods(), NodeInformer: core.Nodes(), EnableDynamicProvisioning: true,
	})
	if err != nil {
		return fmt.Errorf("making upstream's volume controller: %w", err)
	}
	claims, err := pvcprotection.NewPVCProtectionController(klog.FromContext(ctx), core.PersistentVolumeClaims(), core.Pods(), u.client)
	if err != nil {
		return fmt.Errorf("making upstream's protection of claims: %w", err)
	}
	protected, err := pvprotection.NewPVProtectionController(klog.FromContext(ctx), core.PersistentVolumes(), u.client)
	if err != nil {
		return fmt.Errorf("making upstream's protection of volumes: %w", err)
	}
	u.run(func() { volumes.Run(ctx) })
	u.run(func() { claims.Run(ctx, 1) })
	u.run(func() { protected.Run(ctx, 1) })
	return nil
}

// nodes starts taint eviction and, where it is nodes that are compared, what declares them lost.
func (u *upstream) nodes(ctx context.Context) error {
	core := u.informers.Core().V1()
	evictions, err := tainteviction.New(ctx, u.client, core.Pods(), core.Nodes(), "taint-eviction-controller")
	if err != nil {
		return fmt.Errorf("making upstream's taint eviction: %w", err)
	}
	u.run(func() { evictions.Run(ctx) })
	if !*nodes {
		return nil
	}
	const rate, secondary, large, unhealthy = 0.1, 0.01, 50, 0.55 // kube-controller-manager's defaults
	lifecycle, err := nodelifecycle.NewNodeLifecycleController(ctx, u.informers.Coordination().V1().Leases(), core.Pods(), core.Nodes(), u.informers.Apps().V1().DaemonSets(),
		u.client, monitored, 3*grace, grace, rate, secondary, large, unhealthy)
	if err != nil {
		return fmt.Errorf("making upstream's node lifecycle controller: %w", err)
	}
	u.run(func() { lifecycle.Run(ctx) })
	return nil
}

// owners starts what acts on objects of any kind, and what namespaces are given.
func (u *upstream) owners(ctx context.Context) error {
	core := u.informers.Core().V1()
	collector, err := garbagecollector.NewGarbageCollector(ctx, u.client, u.metadata, u.mapper, garbagecollector.DefaultIgnoredResources(), u.metas, u.started)
	if err != nil {
		return fmt.Errorf("making upstream's garbage collector: %w", err)
	}
	accounts, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx), core.ServiceAccounts(), core.Namespaces(), u.client,
		serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return fmt.Errorf("making upstream's ServiceAccount controller: %w", err)
	}
	namespaces := namespace.NewNamespaceController(ctx, u.client, u.metadata, u.discovery.ServerPreferredNamespacedResources, core.Namespaces(),
		5*time.Minute, corev1.FinalizerKubernetes)
	u.run(func() { collector.Run(ctx, 4*workers, 30*time.Second) })
	u.run(func() { collector.Sync(ctx, u.discovery, 30*time.Second) })
	u.run(func() { accounts.Run(ctx, 1) })
	u.run(func() { namespaces.Run(ctx, 2*workers) })
	return nil
}
