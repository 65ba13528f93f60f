using System.Diagnostics;
using System.Text.Json;
using OrleansEdge.Cluster.Tests.Processes;

namespace OrleansEdge.Cluster.Tests.Failures;

/// <summary>Handshakes that are made to see the answer to them.</summary>
internal static class Handshakes
{
    /// <summary>A handshake for a domain, that can be sent once.</summary>
    public static HttpRequestMessage Request(GatewayProcess gateway, string domain) => new(HttpMethod.Get, gateway.Edge)
    {
        Headers =
        {
            { "Host", domain },
            { "Connection", "Upgrade" },
            { "Upgrade", "websocket" },
            { "Sec-WebSocket-Version", "13" },
            { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==" },
        },
    };

    /// <summary>What a handshake is answered: its status, and the code of a refusal.</summary>
    public static async Task<string> AnswerAsync(HttpClient http, GatewayProcess gateway, string domain)
    {
        using var request = Request(gateway, domain);
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return answer.Content.Headers.ContentType?.MediaType == "application/problem+json"
            ? $"{(int)answer.StatusCode} {JsonDocument.Parse(await answer.Content.ReadAsStreamAsync()).RootElement.GetProperty("code").GetString()}"
            : $"{(int)answer.StatusCode}";
    }

    /// <summary>Waits until a handshake is answered so.</summary>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> UntilAnsweredAsync(HttpClient http, GatewayProcess gateway, string domain, string expected, TimeSpan deadline)
    {
        var began = Stopwatch.GetTimestamp();
        while (await AnswerAsync(http, gateway, domain) is var answer && answer != expected)
        {
            Assert.True(
                Stopwatch.GetElapsedTime(began) < deadline,
                $"{gateway.Name} answers a handshake for {domain} with {answer}, not {expected}, after {deadline.TotalSeconds:0.#} s\n{gateway.Process.Transcript()}");
            await Task.Delay(20);
        }

        return Stopwatch.GetElapsedTime(began);
    }
}
