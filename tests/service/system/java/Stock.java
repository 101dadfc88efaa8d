import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/**
 * Asks a service with the JDK's client as it comes, which on plain HTTP offers HTTP/2 with each request
 * ("Upgrade: h2c"). One line an answer: method, path, status, media type, bytes.
 *
 * <p>java Stock.java http://localhost:8000 MODEL
 */
public final class Stock {
    private final HttpClient client = HttpClient.newHttpClient();
    private final String service;

    private Stock(String service) {
        this.service = service;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Stock stock = new Stock(arguments[0]);
        String model = arguments[1];
        byte[] picture = stock.get("/decode.png?z=0.5,-1.0");
        stock.post("/decode?format=npy", "application/json", BodyPublishers.ofString(rows(2)));
        // More than one read of a socket gives.
        stock.post("/decode?format=npy", "application/json", BodyPublishers.ofString(rows(200)));
        stock.post("/encode", "image/png", BodyPublishers.ofByteArray(picture));
        // Of no known length, so it is sent in chunks.
        stock.post("/encode", "image/png", BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(picture)));
        String tensor = "{\"name\": \"z\", \"datatype\": \"FP32\", \"shape\": [1, 2], \"data\": [0.5, -1.0]}";
        String message = "{\"inputs\": [" + tensor + "]}";
        stock.post("/v2/models/" + model + ".decoder/infer", "application/json", BodyPublishers.ofString(message));
        stock.post("/sample?format=npy", "application/json", BodyPublishers.ofString("{\"n\": 3}"));
        stock.post("/decode", "application/json", BodyPublishers.ofString("{\"z\": [[1, 2, 3]]}"));
        stock.get("/models");
    }

    private static String rows(int n) {
        return "{\"z\": [" + ("[0.5" + "0".repeat(200) + ", -1.0], ").repeat(n - 1) + "[0, 0]]}";
    }

    private byte[] get(String path) throws InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(service + path)).GET().build());
    }

    private void post(String path, String type, BodyPublisher body) throws InterruptedException {
        URI uri = URI.create(service + path);
        send(HttpRequest.newBuilder(uri).header("Content-Type", type).POST(body).build());
    }

    private byte[] send(HttpRequest request) throws InterruptedException {
        String asked = request.method() + " " + request.uri().getRawPath();
        try {
            HttpResponse<byte[]> answer = client.send(request, BodyHandlers.ofByteArray());
            String type = answer.headers().firstValue("content-type").orElse("none").split(";")[0];
            System.out.println(asked + " " + answer.statusCode() + " " + type + " " + answer.body().length);
            return answer.body();
        } catch (IOException error) {
            System.out.println(asked + " failed: " + error.getMessage());
            return new byte[0];
        }
    }
}
