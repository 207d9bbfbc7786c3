package live

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cluster-bootstrap/token/jws"
)

var _ = Describe("Bootstrap tokens", func() {
	const id, secret = "abcdef", "0123456789abcdef"

	It("sign the cluster's address until they expire, and then go", func(ctx SpecContext) {
		infos, secrets := admin.CoreV1().ConfigMaps(metav1.NamespacePublic), admin.CoreV1().Secrets(metav1.NamespaceSystem)
		info := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cluster-info"}, Data: map[string]string{"kubeconfig": "where to go"}}
		_, err := infos.Create(ctx, info, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())
		token, err := secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "bootstrap-token-" + id},
			Type:       "bootstrap.kubernetes.io/token",
			StringData: map[string]string{"token-id": id, "token-secret": secret, "usage-bootstrap-signing": "true"},
		}, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())

		data := func() map[string]string {
			GinkgoHelper()
			now, err := infos.Get(ctx, info.Name, metav1.GetOptions{})
			Expect(err).NotTo(HaveOccurred())
			return now.Data
		}
		Eventually(data).WithContext(ctx).WithTimeout(wait).Should(HaveKey("jws-kubeconfig-" + id))
		Expect(jws.DetachedTokenIsValid(data()["jws-kubeconfig-"+id], "where to go", id, secret)).To(BeTrue())

		token.StringData = map[string]string{"expiration": time.Now().Add(-time.Second).Format(time.RFC3339)}
		_, err = secrets.Update(ctx, token, metav1.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() error {
			_, err := secrets.Get(ctx, token.Name, metav1.GetOptions{})
			return err
		}).WithContext(ctx).WithTimeout(wait).Should(Satisfy(apierrors.IsNotFound))
		Eventually(data).WithContext(ctx).WithTimeout(wait).Should(Equal(map[string]string{"kubeconfig": "where to go"}))
	})
})
