package scheduler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/apiserver/identity"
)

// devicePlane is a plane with a node without devices, a node with one device, and a class of such devices. Somebody
// generates claims from templates, and frees those of pods that are gone, as Kubernetes' controller does.
type devicePlane struct {
	*plane
	api   kubernetes.Interface
	class *resourcev1.DeviceClass
}

const driver = "devices.example.com"

func withDevices(t *testing.T, p *plane, change func(*resourcev1.Device)) *devicePlane {
	t.Helper()
	config, err := p.server.Config(identity.Admin)
	if err != nil {
		t.Fatal(err)
	}
	d := &devicePlane{plane: p, api: kubernetes.NewForConfigOrDie(config)}
	p.node("plain", "4")
	p.node("equipped", "4")
	d.class = &resourcev1.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}}
	d.class.Spec.ExtendedResourceName = ptr.To("example.com/" + p.namespace)
	d.class.Spec.Selectors = []resourcev1.DeviceSelector{{CEL: &resourcev1.CELDeviceSelector{Expression: fmt.Sprintf("device.driver == %q", driver)}}}
	if d.class, err = d.api.ResourceV1().DeviceClasses().Create(t.Context(), d.class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	device := resourcev1.Device{Name: "dev-0"}
	if change != nil {
		change(&device)
	}
	slice := &resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}, Spec: resourcev1.ResourceSliceSpec{
		Driver: driver, NodeName: ptr.To("equipped"), Devices: []resourcev1.Device{device},
		// Claims of other tests that nobody frees any more have the devices of other pools.
		Pool: resourcev1.ResourcePool{Name: p.namespace, ResourceSliceCount: 1},
	}}
	if slice, err = d.api.ResourceV1().ResourceSlices().Create(t.Context(), slice, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := d.api.ResourceV1().ResourceSlices().Delete(ctx, slice.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("deleting the ResourceSlice: %v", err)
		}
		if err := d.api.ResourceV1().DeviceClasses().Delete(ctx, d.class.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("deleting the DeviceClass: %v", err)
		}
	})
	p.eventuallyKnows(d.class)
	p.eventuallyKnows(slice)
	d.control(t)
	return d
}

// control plays the controller of claims until the test ends.
func (d *devicePlane) control(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := d.generateAndFree(ctx); err != nil && ctx.Err() == nil && !apierrors.IsConflict(err) {
				t.Errorf("controlling claims: %v", err)
				return
			}
		}
	}()
}

func (d *devicePlane) generateAndFree(ctx context.Context) error {
	pods := &ocorev1.PodList{}
	if err := d.client.List(ctx, pods, client.InNamespace(d.namespace)); err != nil {
		return err
	}
	alive := map[string]bool{}
	for i := range pods.Items {
		alive[string(pods.Items[i].UID)] = true
		if err := d.generate(ctx, &pods.Items[i]); err != nil {
			return err
		}
	}
	claims, err := d.api.ResourceV1().ResourceClaims(d.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range claims.Items {
		if claim := &claims.Items[i]; len(claim.OwnerReferences) > 0 && !alive[string(claim.OwnerReferences[0].UID)] {
			if err := d.free(ctx, claim); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *devicePlane) generate(ctx context.Context, pod *ocorev1.Pod) error {
	if len(pod.Spec.ResourceClaims) == 0 || len(pod.Status.ResourceClaimStatuses) > 0 {
		return nil
	}
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{
		Name: pod.Name + "-device",
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true),
		}},
	}}
	claim.Spec.Devices.Requests = []resourcev1.DeviceRequest{{
		Name: "one", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: d.class.Name},
	}}
	if _, err := d.api.ResourceV1().ResourceClaims(d.namespace).Create(ctx, claim, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	before := pod.DeepCopy()
	pod.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "device", ResourceClaimName: &claim.Name}}
	return client.IgnoreNotFound(d.client.Status().Patch(ctx, pod, client.MergeFrom(before)))
}

// free takes the device from a claim whose pod is gone, and deletes the claim.
func (d *devicePlane) free(ctx context.Context, claim *resourcev1.ResourceClaim) (err error) {
	claims := d.api.ResourceV1().ResourceClaims(d.namespace)
	claim.Status = resourcev1.ResourceClaimStatus{}
	if claim, err = claims.UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return client.IgnoreNotFound(err)
	}
	claim.Finalizers = nil
	if claim, err = claims.Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return client.IgnoreNotFound(err)
	}
	return client.IgnoreNotFound(claims.Delete(ctx, claim.Name, metav1.DeleteOptions{}))
}

// claiming makes a pod ask for a device by a template.
func claiming(pod *ocorev1.Pod) {
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "device", ResourceClaimTemplateName: ptr.To("device")}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "device"}}
}

// given reports whether a claim has the device for the pod.
func (d *devicePlane) given(claim string, pod *ocorev1.Pod) error {
	got, err := d.api.ResourceV1().ResourceClaims(d.namespace).Get(d.t.Context(), claim, metav1.GetOptions{})
	if err != nil {
		return err
	}
	kind, err := d.client.GroupVersionKindFor(pod)
	if err != nil {
		return err
	}
	users, allocation := got.Status.ReservedFor, got.Status.Allocation
	switch {
	case allocation == nil || len(allocation.Devices.Results) != 1 || allocation.Devices.Results[0].Device != "dev-0":
		return fmt.Errorf("claim %s has the allocation %v, want device dev-0", claim, allocation)
	case len(users) != 1 || users[0].APIGroup != kind.Group || users[0].Resource != "pods" || users[0].UID != pod.UID:
		return fmt.Errorf("claim %s is reserved for %v, want pod %s", claim, users, pod.Name)
	case len(got.Finalizers) != 1 || got.Finalizers[0] != resourcev1.Finalizer:
		return fmt.Errorf("claim %s has the finalizers %q, want %q", claim, got.Finalizers, resourcev1.Finalizer)
	}
	return nil
}

// eventuallyRefused waits until the pod is unschedulable for a reason. Preemption may add a sentence of its own.
func (d *devicePlane) eventuallyRefused(pod *ocorev1.Pod, message string) {
	d.t.Helper()
	d.eventually(func() error {
		if err := d.client.Get(d.t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && strings.HasPrefix(condition.Message, message) {
				return nil
			}
		}
		return fmt.Errorf("conditions are %v, want PodScheduled with %q", pod.Status.Conditions, message)
	})
}

func (d *devicePlane) delete(pod *ocorev1.Pod) {
	d.t.Helper()
	if err := d.client.Delete(d.t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		d.t.Fatal(err)
	}
}

func TestDevices(t *testing.T) {
	t.Run("binds a pod to the node with its device, and the next pod when that one is gone", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			d := withDevices(t, p, nil)
			first := p.pod("first", "100m", claiming)
			p.eventuallyBound(first, "equipped")
			if err := d.given("first-device", first); err != nil {
				t.Error(err)
			}
			second := p.pod("second", "100m", claiming)
			d.eventuallyRefused(second, "0/2 nodes are available: 2 cannot allocate all claims.")
			d.delete(first)
			p.eventuallyBound(second, "equipped")
			if err := d.given("second-device", second); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("makes a claim for an extended resource that a class stands for", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			d := withDevices(t, p, nil)
			asking := func(pod *ocorev1.Pod) {
				name := corev1.ResourceName(*d.class.Spec.ExtendedResourceName)
				pod.Spec.Containers[0].Resources.Requests[name] = resource.MustParse("1")
				pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{name: resource.MustParse("1")}
			}
			pod := p.pod("first", "100m", asking)
			p.eventuallyBound(pod, "equipped")
			status := pod.Status.ExtendedResourceClaimStatus
			if status == nil || len(status.RequestMappings) != 1 || status.RequestMappings[0].RequestName != "container-0-request-1" {
				t.Fatalf("the pod's extended resource claim status is %+v", status)
			}
			if err := d.given(status.ResourceClaimName, pod); err != nil {
				t.Error(err)
			}
			second := p.pod("second", "100m", asking)
			d.eventuallyRefused(second, "0/2 nodes are available: 2 cannot allocate all claims.")
			d.delete(pod)
			p.eventuallyBound(second, "equipped")
		})
	})
	t.Run("waits until the device is attached", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			d := withDevices(t, p, func(device *resourcev1.Device) {
				device.BindingConditions = []string{"example.com/attached"}
				device.BindingFailureConditions = []string{"example.com/broken"}
			})
			pod := p.pod("first", "100m", claiming)
			p.eventuallyEvent(pod, "BindingConditionsPending", "waiting for binding conditions for device on node equipped")
			if err := p.client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil || pod.Spec.NodeName != "" {
				t.Fatalf("the pod is on node %q before its device is (reading it: %v)", pod.Spec.NodeName, err)
			}
			d.attach("first-device")
			p.eventuallyBound(pod, "equipped")
		})
	})
	t.Run("gives back an idle device that is out of reach", func(t *testing.T) {
		underBothNamings(t, func(t *testing.T, p *plane) {
			d := withDevices(t, p, nil)
			d.claimElsewhere("idle")
			pod := p.pod("web", "100m", func(pod *ocorev1.Pod) {
				pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "device", ResourceClaimName: ptr.To("idle")}}
				pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "device"}}
			})
			p.eventuallyBound(pod, "equipped")
			if err := d.given("idle", pod); err != nil {
				t.Error(err)
			}
		})
	})
}

// claimElsewhere makes a claim that nobody uses and that has the device on a node which does not exist.
func (d *devicePlane) claimElsewhere(name string) {
	d.t.Helper()
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Finalizers: []string{resourcev1.Finalizer}}}
	claim.Spec.Devices.Requests = []resourcev1.DeviceRequest{{
		Name: "one", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: d.class.Name},
	}}
	if _, err := d.api.ResourceV1().ResourceClaims(d.namespace).Create(d.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		d.t.Fatal(err)
	}
	d.changeStatus(name, func(status *resourcev1.ResourceClaimStatus) {
		status.Allocation = &resourcev1.AllocationResult{
			Devices: resourcev1.DeviceAllocationResult{Results: []resourcev1.DeviceRequestAllocationResult{{
				Request: "one", Driver: driver, Pool: d.namespace, Device: "dev-0",
			}}},
			NodeSelector: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{
					Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"gone"},
				}},
			}}},
		}
	})
}

// attach says for the driver that the device of a claim is attached.
func (d *devicePlane) attach(name string) {
	d.t.Helper()
	d.changeStatus(name, func(status *resourcev1.ResourceClaimStatus) {
		device := resourcev1.AllocatedDeviceStatus{Driver: driver, Pool: d.namespace, Device: "dev-0"}
		apimeta.SetStatusCondition(&device.Conditions, metav1.Condition{
			Type: "example.com/attached", Status: metav1.ConditionTrue, Reason: "Attached",
		})
		status.Devices = []resourcev1.AllocatedDeviceStatus{device}
	})
}

func (d *devicePlane) changeStatus(name string, change func(*resourcev1.ResourceClaimStatus)) {
	d.t.Helper()
	claims := d.api.ResourceV1().ResourceClaims(d.namespace)
	var changed *resourcev1.ResourceClaim
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		claim, err := claims.Get(d.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(&claim.Status)
		changed, err = claims.UpdateStatus(d.t.Context(), claim, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.eventuallyKnows(changed)
}
