/* A TLS server on Java's own stack (JSSE): java JsseServer.java [PORT PROTOCOLS KEYSTORE CLIENTS]…
 *
 * PROTOCOLS: names of JSSE, comma-separated. KEYSTORE: PKCS#12, password "changeit". CLIENTS: a PEM file of authorities whose clients alone are
 * welcome, or "-". Everything that Java disables by default is enabled: SSLv3 and TLS 1.0 are what the tests come for. */
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class JsseServer {
    private static final char[] PASSWORD = "changeit".toCharArray();

    private static SSLContext context(String keystore, String clients) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(keystore)) {
            keys.load(in, PASSWORD);
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance("SunX509");
        own.init(keys, PASSWORD);
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        if (!clients.equals("-")) {
            try (InputStream in = new FileInputStream(clients)) {
                int number = 0;
                for (Certificate authority : CertificateFactory.getInstance("X.509").generateCertificates(in))
                    trusted.setCertificateEntry("authority" + number++, authority);
            }
        }
        TrustManagerFactory others = TrustManagerFactory.getInstance("PKIX");
        others.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), clients.equals("-") ? null : others.getTrustManagers(), null);
        return context;
    }

    private static void serve(SSLServerSocket listener) {
        while (true) {
            try (SSLSocket connection = (SSLSocket) listener.accept()) {
                connection.setSoTimeout(10000);
                connection.startHandshake();
            } catch (Exception refused) { // clients that leave after the certificate are what this is for
                System.out.println(refused);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        for (int i = 0; i + 3 < args.length; i += 4) {
            SSLServerSocket listener = (SSLServerSocket) context(args[i + 2], args[i + 3]).getServerSocketFactory()
                .createServerSocket(Integer.parseInt(args[i]), 50, InetAddress.getByName("127.0.0.1"));
            listener.setEnabledProtocols(args[i + 1].split(","));
            listener.setEnabledCipherSuites(listener.getSupportedCipherSuites());
            listener.setNeedClientAuth(!args[i + 3].equals("-"));
            new Thread(() -> serve(listener)).start();
        }
    }
}
