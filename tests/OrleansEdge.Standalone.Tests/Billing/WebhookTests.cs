using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using OrleansEdge.Model;
using OrleansEdge.Standalone.Billing;
using OrleansEdge.Standalone.ControlPlane;
using OrleansEdge.Standalone.Tests.ControlPlane;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Billing;

/// <summary>Events to a real web server, by a clock that a test moves.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("orleans-edge-").FullName;
    private readonly ManualTimeProvider _time = new();
    private readonly RecordedLog _log = new();
    private readonly TaskCompletionSource<string> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DataFolder _data = null!;
    private WebhookListener _listener = null!;
    private WebhookSender _sender = null!;
    private string? _url;

    public async Task InitializeAsync()
    {
        _listener = await WebhookListener.StartAsync();
        _url = _listener.Url;
        _data = DataFolder.Open(_folder);
        _sender = new(new(_data), _ => _url, _time, _log)
        {
            Done = (_, alert, _) =>
            {
                _done.TrySetResult(alert.Id);
                return Task.CompletedTask;
            },
        };
    }

    public async Task DisposeAsync()
    {
        _sender.Dispose();
        await _listener.DisposeAsync();
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Event_IsPostedAndSignedAsStandardWebhooksSay()
    {
        _sender.Send("acme", Alert());

        var call = await _listener.NextAsync(1);
        Assert.Equal("POST /hook?secret=1 application/json", call.Request);
        Assert.Equal(("evt_1", "1893456000"), (call.Id, call.Timestamp));
        Assert.Equal(Sign(call), call.Signature);
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse(
                """
                { "id": "evt_1", "type": "quota.threshold", "at": "2030-01-01T00:00:00.000Z", "tenant": "acme", "kind": "websocket",
                  "threshold": 80, "usedBytes": 800, "prepaidBytes": 10000000000000000000000 }
                """),
            JsonNode.Parse(call.Body)));
        Assert.Equal("evt_1", await DoneAsync());
    }

    [Fact]
    public async Task AttemptThatFails_IsRepeatedEverMoreRarelyWithTheSameIdAndBody()
    {
        _listener.Respond = (number, context) =>
        {
            context.Response.StatusCode = number < 12 ? 503 : 200;
            return Task.CompletedTask;
        };
        _sender.Send("acme", Alert());
        var first = await _listener.NextAsync(1);
        var delay = TimeSpan.FromSeconds(10);
        for (var number = 2; number <= 12; number++)
        {
            await FailedAsync(number - 1, delay);
            Assert.Equal(number - 1, _listener.Calls.Count);
            _time.Advance(delay);
            var call = await _listener.NextAsync(number);
            Assert.Equal((first.Id, first.Body), (call.Id, call.Body));
            Assert.Equal($"{_time.GetUtcNow().ToUnixTimeSeconds()}", call.Timestamp);
            Assert.Equal(Sign(call), call.Signature);
            delay = delay * 2 < TimeSpan.FromHours(1) ? delay * 2 : TimeSpan.FromHours(1);
        }

        await DoneAsync();
        Assert.Equal(TimeSpan.FromHours(1), delay);
        Assert.Equal(11, _log.Events.Count(entry => entry.Id == 3111));
        Assert.DoesNotContain(_log.Events, entry => entry.Text.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EventThatNobodyTakes_IsGivenUpAfterThreeDays()
    {
        _listener.Respond = static (_, context) =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        _sender.Send("acme", Alert());
        var began = _time.GetUtcNow();
        var number = 1;
        for (var delay = TimeSpan.FromSeconds(10); _time.GetUtcNow() + delay - began <= TimeSpan.FromDays(3); delay = delay * 2 < TimeSpan.FromHours(1) ? delay * 2 : TimeSpan.FromHours(1))
        {
            await _listener.NextAsync(number);
            await FailedAsync(number++, delay);
            _time.Advance(delay);
        }

        await DoneAsync();
        Assert.Single(_log.Events, entry => entry.Id == 3112);
        Assert.Equal(number, _listener.Calls.Count);
    }

    [Fact]
    public async Task Redirect_IsNotFollowed()
    {
        _listener.Respond = static (number, context) =>
        {
            context.Response.StatusCode = number == 1 ? 307 : 200;
            context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        };
        _sender.Send("acme", Alert());
        await _listener.NextAsync(1);
        await FailedAsync(1, WebhookMessage.FirstDelay);

        Assert.Contains(_log.Events, entry => entry.Id == 3111 && entry.Text.EndsWith("answered 307", StringComparison.Ordinal));
        Assert.Single(_listener.Calls);
    }

    [Fact]
    public async Task ServerThatDoesNotAnswer_IsLeftAfterTenSeconds()
    {
        _listener.Respond = static async (number, context) =>
        {
            if (number == 1)
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
        };
        _sender.Send("acme", Alert());
        await _listener.NextAsync(1);

        _time.Advance(TimeSpan.FromSeconds(10));
        await FailedAsync(1, WebhookMessage.FirstDelay);
        Assert.EndsWith("no answer within 10 s", _log.Events.Last().Text, StringComparison.Ordinal);
        _time.Advance(WebhookMessage.FirstDelay);
        await _listener.NextAsync(2);
        await DoneAsync();
    }

    [Fact]
    public async Task ServerThatIsAway_IsTriedAgain()
    {
        _url = $"http://127.0.0.1:{FreePort.Find()}/";
        _sender.Send("acme", Alert());
        await FailedAsync(1, WebhookMessage.FirstDelay);

        _url = _listener.Url;
        _time.Advance(WebhookMessage.FirstDelay);

        await _listener.NextAsync(1);
        await DoneAsync();
    }

    [Fact]
    public async Task WebhookThatWasTakenAway_EndsTheAttempts()
    {
        _url = null;

        _sender.Send("acme", Alert());

        await DoneAsync();
        Assert.Single(_log.Events, entry => entry.Id == 3112);
    }

    [Fact]
    public void Key_IsMadeOnceAndForTheProcessOnly()
    {
        var secret = new WebhookKey(_data).SecretOf("acme");

        var path = Path.Combine(_folder, "billing", "webhook.key");
        Assert.Equal(32, new FileInfo(path).Length);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }

        Assert.Equal(secret, new WebhookKey(_data).SecretOf("acme"));
        Assert.Equal(HMACSHA256.HashData(File.ReadAllBytes(path), "acme"u8.ToArray()), secret);
        File.WriteAllBytes(path, [1, 2, 3]);
        Assert.Throws<IOException>(() => new WebhookKey(_data).SecretOf("acme"));
    }

    private AlertRecord Alert() => new("evt_1", _time.GetUtcNow(), UsageKind.Websocket, 80, "plan-1", 800, (Int128)PlanDocument.MaxBytes * 10_000, 7, IsPending: true);

    /// <summary>As a customer checks it, from the secret that the API gives.</summary>
    private string Sign(WebhookListener.Call call)
    {
        var secret = Convert.FromBase64String(WebhookMessage.TextOf(new WebhookKey(_data).SecretOf("acme"))["whsec_".Length..]);
        return $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"{call.Id}.{call.Timestamp}.{call.Body}")))}";
    }

    private Task<string> DoneAsync() => _done.Task.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Waits until an attempt has failed and the next one waits for its time. An attempt's own time-out, which may be as long,
    /// is over by then.</summary>
    private async Task FailedAsync(int attempts, TimeSpan delay)
    {
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); _log.Events.Count(entry => entry.Id == 3111) < attempts; await Task.Delay(5))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(30), $"attempt {attempts} did not fail within 30 s");
        }

        await _time.WhenArmedAsync(delay);
    }
}
