import java.io.File;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a hostile Java program tries first: processes, files, sockets, the attach API. */
public class Main {
    private static final List<String> LEAKS = new ArrayList<>();

    public static void main(String[] args) {
        for (String path : new String[] {"/val/secret", "/proc/1/environ", "/etc/shadow"}) {
            if (new File(path).canRead()) {
                LEAKS.add("read " + path);
            }
        }
        for (String path : new String[] {"/prog/Evil.class", "/etc/evil", "/val/evil"}) {
            try {
                Files.write(Path.of(path), new byte[] {1});
                LEAKS.add("wrote " + path);
            } catch (Exception refused) {
                continue;
            }
        }
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("169.254.169.254", 80), 500);
            LEAKS.add("connected");
        } catch (Exception refused) {
            // As it should be.
        }
        try {
            Process child = new ProcessBuilder("cat", "/val/secret").start();
            if (child.getInputStream().read() >= 0) {
                LEAKS.add("cat read the secret");
            }
        } catch (Exception refused) {
            // Starting a process is allowed; it reaches no further than its parent.
        }
        try {
            ProcessHandle.of(1).ifPresent(first -> {
                if (first.destroyForcibly()) {
                    LEAKS.add("signalled PID 1");
                }
            });
        } catch (Exception refused) {
            // As it should be.
        }
        System.out.println(LEAKS.isEmpty() ? "blocked" : "LEAK " + String.join(", ", LEAKS));
    }
}
