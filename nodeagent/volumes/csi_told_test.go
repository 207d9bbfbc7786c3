package volumes

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	csipb "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/csi"
)

func TestAnAttachedVolumeIsInUseBeforeItIsWaitedFor(t *testing.T) {
	n := newCSINode(t, staging)
	n.definition.driver.Spec.AttachRequired = nil
	n.attached.err = errors.New("not attached")
	m := n.start()
	want := `MountVolume.WaitForAttach failed for volume "disk" : not attached`
	if err := n.mount(t.Context(), m, "one"); err == nil || err.Error() != want {
		t.Errorf("the mount ends with %v, want %s", err, want)
	}
	if names, err := m.VolumesInUse(); err != nil || !slices.Equal(names, []corev1.UniqueVolumeName{"kubernetes.io/csi/strict.example.com^h"}) {
		t.Errorf("in use are %q (%v)", names, err)
	}
	if calls := n.driver.took(); len(calls) > 0 {
		t.Errorf("the driver hears %q", calls)
	}
	n.attached = attachments{metadata: map[string]string{"device": "/dev/x"}}
	if err := n.mount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{last[*csipb.NodeStageVolumeRequest](t, n.driver), last[*csipb.NodePublishVolumeRequest](t, n.driver)} {
		if !strings.Contains(request, "/dev/x") {
			t.Errorf("the driver is not told what attaching has told: %s", request)
		}
	}
	if err := n.unmount(t.Context(), m, "one"); err != nil {
		t.Fatal(err)
	}
	if names, err := m.VolumesInUse(); err != nil || len(names) > 0 {
		t.Errorf("in use are %q (%v)", names, err)
	}
}

func TestAVolumeIsPublishedAgainWhereItsDriverWantsThat(t *testing.T) {
	n := newCSINode(t)
	n.definition.driver.Spec.RequiresRepublish = ptr.To(true)
	m := n.start()
	for range 2 {
		if err := n.mount(t.Context(), m, "one"); err != nil {
			t.Fatal(err)
		}
	}
	if got := n.driver.took(); !slices.Equal(got, []string{"publish", "publish"}) {
		t.Errorf("the driver hears %q", got)
	}
	n.driver.fails = status.Error(codes.Internal, "not this time")
	if err := n.mount(t.Context(), m, "one"); err == nil {
		t.Error("the failure is not told")
	}
	_, dir := n.pod("one")
	if _, err := os.Stat(filepath.Join(dir, ofPod, "disk", mountDir)); err != nil {
		t.Errorf("what the pod sees is taken from it: %v", err)
	}
}

func TestWhatADriverIsTold(t *testing.T) {
	n := newCSINode(t, csipb.NodeServiceCapability_RPC_VOLUME_MOUNT_GROUP)
	n.tokens = &issuer{clock: n.clock}
	n.source.secrets = map[string]*corev1.Secret{"s": {Data: map[string][]byte{"word": []byte("sesame")}}}
	n.definition.driver.Spec.PodInfoOnMount = ptr.To(true)
	n.definition.driver.Spec.TokenRequests = []storagev1.TokenRequest{{Audience: "vault", ExpirationSeconds: ptr.To[int64](600)}}
	spec := &n.claims.volume.Spec
	spec.MountOptions, spec.CSI.FSType, spec.CSI.VolumeAttributes = []string{"noatime"}, "xfs", map[string]string{"tier": "gold"}
	spec.CSI.NodePublishSecretRef = &corev1.SecretReference{Namespace: "default", Name: "s"}
	pod, dir := n.pod("one")
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: ptr.To[int64](4711)}
	pod.Spec.Volumes[0].PersistentVolumeClaim.ReadOnly = true
	if err := n.start().Mount(t.Context(), pod, dir); err != nil {
		t.Fatal(err)
	}
	request := strings.ReplaceAll(last[*csipb.NodePublishVolumeRequest](t, n.driver), " ", "")
	for _, want := range []string{
		`"volumeId":"h"`, `"readonly":true`, `"fsType":"xfs"`, `"mountFlags":["noatime"]`, `"volumeMountGroup":"4711"`, `"mode":"SINGLE_NODE_WRITER"`,
		`"word":"sesame"`, `"tier":"gold"`, `"csi.storage.k8s.io/pod.name":"pod-one"`, `"csi.storage.k8s.io/pod.namespace":"default"`,
		`"csi.storage.k8s.io/pod.uid":"one"`, `"csi.storage.k8s.io/serviceAccount.name":"default"`, `"csi.storage.k8s.io/ephemeral":"false"`,
		`"csi.storage.k8s.io/serviceAccount.tokens":"{\"vault\":{\"token\":\"token-1\",`,
	} {
		if !strings.Contains(request, want) {
			t.Errorf("the request lacks %s:\n%s", want, request)
		}
	}
	n.definition.driver.Spec.ServiceAccountTokenInSecrets, n.definition.driver.Spec.RequiresRepublish = ptr.To(true), ptr.To(true)
	if err := n.start().Mount(t.Context(), pod, dir); err != nil {
		t.Fatal(err)
	}
	if request := last[*csipb.NodePublishVolumeRequest](t, n.driver); strings.Contains(request[strings.Index(request, `"volumeContext"`):], "tokens") {
		t.Errorf("tokens are among attributes: %s", request)
	}
}

func TestAPodHasAVolumeInItself(t *testing.T) {
	n := newCSINode(t, staging)
	pod, dir := n.pod("one")
	pod.Spec.Volumes = []corev1.Volume{{Name: "own", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: driverName}}}}
	m := n.start()
	n.driver.capabilities = nil // such a volume is never staged
	if err := m.Mount(t.Context(), pod, dir); err != nil {
		t.Fatal(err)
	}
	if got := m.Path(pod, dir, &pod.Spec.Volumes[0]); got != filepath.Join(dir, "volumes/kubernetes.io~csi/own/mount") {
		t.Errorf("it is at %s", got)
	}
	if err := m.Unmount(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := n.driver.took(); !slices.Equal(got, []string{"publish", "unpublish"}) {
		t.Errorf("the driver hears %q", got)
	}
	n.definition.driver.Spec.VolumeLifecycleModes = []storagev1.VolumeLifecycleMode{storagev1.VolumeLifecyclePersistent}
	want := `MountVolume.SetUp failed for volume "own" : volume mode "Ephemeral" not supported by driver strict.example.com (only supports ["Persistent"])`
	if err := m.Mount(t.Context(), pod, dir); err == nil || err.Error() != want {
		t.Errorf("without the mode the mount ends with %v, want %s", err, want)
	}
}

func TestADeviceIsNoFileSystem(t *testing.T) {
	n := newCSINode(t)
	pod, dir := n.pod("one")
	pod.Spec.Containers = []corev1.Container{{Name: "c", VolumeDevices: []corev1.VolumeDevice{{Name: "data", DevicePath: "/dev/x"}}}}
	want := `MountVolume.SetUp failed for volume "data" : volume data has volumeMode Filesystem, but is specified in volumeDevices`
	if err := n.start().Mount(t.Context(), pod, dir); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	n.claims.volume.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
	pod.Spec.Containers[0].VolumeDevices, pod.Spec.Containers[0].VolumeMounts = nil, []corev1.VolumeMount{{Name: "data"}}
	want = `MountVolume.SetUp failed for volume "data" : volume data has volumeMode Block, but is specified in volumeMounts`
	if err := n.start().Mount(t.Context(), pod, dir); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWhoGivesAVolumeToAGroup(t *testing.T) {
	once, many := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}
	group := ptr.To[int64](1)
	for name, c := range map[string]struct {
		volume csiVolume
		group  *int64
		policy storagev1.FSGroupPolicy
		want   bool
	}{
		"no group":                                  {csiVolume{use: csi.Use{FSType: "ext4"}, modes: once}, nil, storagev1.FileFSGroupPolicy, false},
		"a policy that says none":                   {csiVolume{use: csi.Use{FSType: "ext4"}, modes: once}, group, storagev1.NoneFSGroupPolicy, false},
		"a policy that says files":                  {csiVolume{modes: many}, group, storagev1.FileFSGroupPolicy, true},
		"one that is only read":                     {csiVolume{modes: many, readOnly: true}, group, storagev1.FileFSGroupPolicy, false},
		"a device":                                  {csiVolume{modes: once, use: csi.Use{Block: true}}, group, storagev1.FileFSGroupPolicy, false},
		"once, with a type":                         {csiVolume{use: csi.Use{FSType: "ext4"}, modes: once}, group, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy, true},
		"once, with a type, by default":             {csiVolume{use: csi.Use{FSType: "ext4"}, modes: once}, group, "", true},
		"once, without a type":                      {csiVolume{modes: once}, group, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy, false},
		"many, with a type":                         {csiVolume{use: csi.Use{FSType: "ext4"}, modes: many}, group, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy, false},
		"no modes, with a type":                     {csiVolume{use: csi.Use{FSType: "ext4"}}, group, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy, false},
		"in the pod itself, with a type":            {csiVolume{use: csi.Use{FSType: "ext4"}, inline: true}, group, storagev1.ReadWriteOnceWithFSTypeFSGroupPolicy, true},
		"for one pod, with a type":                  {csiVolume{use: csi.Use{FSType: "ext4"}, modes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}}, group, "", true},
		"a driver that nobody has said a word of 1": {csiVolume{modes: once}, group, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			definition := &storagev1.CSIDriver{}
			if c.policy != "" {
				definition.Spec.FSGroupPolicy = &c.policy
			}
			if got := c.volume.owned(c.group, definition); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
