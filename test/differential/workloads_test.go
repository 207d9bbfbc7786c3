package differential

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// name is what the object is called that a scenario is about.
const name = "web"

func (s *scenario) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: s.namespace, Labels: map[string]string{"app": "web"}}
}

func selects(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// template is one of pods with the label app.
func template(app, image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
	}
}

// image draws one of few, so that a rollout may go back to what there was.
func (s *scenario) image() string {
	return []string{"web:1", "web:2", "web:3", "web:4-" + broken}[s.IntN(4)]
}

// amount draws a number or a percentage.
func (s *scenario) amount() *intstr.IntOrString {
	drawn := intstr.Parse([]string{"0", "1", "2", "9", "25%", "50%", "100%"}[s.IntN(7)])
	return &drawn
}

func (s *scenario) chance(percent int) bool { return s.IntN(100) < percent }

func zero(amount *intstr.IntOrString) bool {
	return amount.IntValue() == 0 && amount.Type == intstr.Int
}

// never draws for how long pods have to be ready before they are available: mostly no time at all, or longer than any scenario lasts.
func (s *scenario) never(what *string) int32 {
	if !s.chance(10) {
		return 0
	}
	*what += ", whose pods are never available"
	return 7200
}

var deploymentSubject = subject{
	name: "Deployment",
	start: func(s *scenario) {
		what, d := s.deployment()
		s.begin(what, d)
	},
	moves: append([]move{
		{8, func(s *scenario) bool {
			image := s.image()
			return s.edit("Deployment", "gets the image "+image, func(obj client.Object) { obj.(*appsv1.Deployment).Spec.Template.Spec.Containers[0].Image = image })
		}},
		{6, func(s *scenario) bool {
			n := int32(s.IntN(8))
			return s.edit("Deployment", fmt.Sprintf("is scaled to %d", n), func(obj client.Object) { obj.(*appsv1.Deployment).Spec.Replicas = &n })
		}},
		{2, func(s *scenario) bool {
			return s.edit("Deployment", "is paused, or not any more", func(obj client.Object) {
				d := obj.(*appsv1.Deployment)
				d.Spec.Paused = !d.Spec.Paused
			})
		}},
		{1, func(s *scenario) bool {
			return s.edit("Deployment", "gets an annotation", func(obj client.Object) {
				metav1.SetMetaDataAnnotation(obj.(*appsv1.Deployment).GetObjectMeta().(*metav1.ObjectMeta), "note", "one")
			})
		}},
		{1, func(s *scenario) bool {
			n := int32(s.IntN(3))
			return s.edit("Deployment", fmt.Sprintf("gets a history of %d", n), func(obj client.Object) { obj.(*appsv1.Deployment).Spec.RevisionHistoryLimit = &n })
		}},
		{1, func(s *scenario) bool {
			n := int32(s.IntN(3))*300 + 600
			return s.edit("Deployment", fmt.Sprintf("gets a progress deadline of %d s", n), func(obj client.Object) { obj.(*appsv1.Deployment).Spec.ProgressDeadlineSeconds = &n })
		}},
		{1, func(s *scenario) bool {
			n := int32(s.IntN(4))
			key := s.some(s.keys("ReplicaSet", nil))
			if key == "" {
				return false
			}
			s.raced = true // its own controller may act before the owner does
			s.do(fmt.Sprintf("%s is scaled to %d behind its owner's back", key, n), edits(key, func(rs *appsv1.ReplicaSet) { rs.Spec.Replicas = &n }))
			return true
		}},
		{1, func(s *scenario) bool {
			key := s.some(s.keys("ReplicaSet", nil))
			if key == "" {
				return false
			}
			s.do(key+" is deleted", deletes(key, metav1.DeletePropagationBackground))
			return true
		}},
		{3, beginsAnew},
		{1, deletesIt("Deployment", metav1.DeletePropagationBackground)},
		{1, deletesIt("Deployment", metav1.DeletePropagationForeground)},
		{1, deletesIt("Deployment", metav1.DeletePropagationOrphan)},
	}, podMoves...),
}

// deployment draws one.
func (s *scenario) deployment() (string, *appsv1.Deployment) {
	replicas, history := int32(s.IntN(6)), int32(s.IntN(3))
	d := &appsv1.Deployment{
		ObjectMeta: s.meta(name),
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: selects("web"), Template: template("web", "web:1"), RevisionHistoryLimit: &history},
	}
	what := fmt.Sprintf("a Deployment of %d is created, with a history of %d", replicas, history)
	if s.chance(20) {
		d.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
		what += ", to be recreated"
	} else {
		surge, unavailable := s.amount(), s.amount()
		if s.chance(10) {
			surge = &intstr.IntOrString{Type: intstr.String, StrVal: "200%"}
		}
		if zero(surge) && zero(unavailable) {
			surge = &intstr.IntOrString{Type: intstr.Int, IntVal: 1}
		}
		d.Spec.Strategy = appsv1.DeploymentStrategy{
			Type:          appsv1.RollingUpdateDeploymentStrategyType,
			RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: surge, MaxUnavailable: unavailable},
		}
		what += fmt.Sprintf(", to be rolled by %s and %s", surge, unavailable)
	}
	if d.Spec.MinReadySeconds = s.never(&what); d.Spec.MinReadySeconds > 0 {
		d.Spec.ProgressDeadlineSeconds = ptr.To(d.Spec.MinReadySeconds + 600)
	}
	return what, d
}

// podMoves are what happens to pods.
var podMoves = []move{
	{10, (*scenario).goesOn},
	{6, happensToAll(lives)},
	{6, happens(lives)},
	{2, happens(isPlaced)},
	{2, happens(runs_)},
	{3, happens(isUnready)},
	{3, happens(fails)},
	{2, happens(isDeleted)},
	{1, restarts},
}

// edit changes the object of a kind that has the scenario's name.
func (s *scenario) edit(kind, what string, change func(client.Object)) bool {
	return s.editNamed(kind+"/"+name, what, change)
}

// editNamed changes an object, if there is one of that kind and name.
func (s *scenario) editNamed(key, what string, change func(client.Object)) bool {
	if s.now.objects[key] == nil {
		return false
	}
	s.do(key+" "+what, edits(key, change))
	return true
}

// deletesIt deletes the object of a kind that has the scenario's name.
func deletesIt(kind string, how metav1.DeletionPropagation) func(*scenario) bool {
	return func(s *scenario) bool {
		key := kind + "/" + name
		if s.now.objects[key] == nil {
			return false
		}
		s.do(fmt.Sprintf("%s is deleted, %s", key, how), deletes(key, how))
		return true
	}
}
