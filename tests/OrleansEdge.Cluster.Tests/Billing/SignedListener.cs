using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using OrleansEdge.Testing;

namespace OrleansEdge.Cluster.Tests.Billing;

/// <summary>A tenant's webhook, which fails at first.</summary>
internal sealed class SignedListener : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<Call> _calls = new();
    private readonly Task _listening;
    private int _failures;

    public SignedListener(int failures)
    {
        _failures = failures;
        Url = $"http://127.0.0.1:{FreePort.Find()}/hook/";
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _listening = ListenAsync();
    }

    public string Url { get; }

    public int Count => _calls.Count;

    public IReadOnlyCollection<Call> Calls => _calls;

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _listening;
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                var headers = context.Request.Headers;
                _calls.Enqueue(new(headers["webhook-id"]!, headers["webhook-timestamp"]!, headers["webhook-signature"]!, await reader.ReadToEndAsync()));
                context.Response.StatusCode = Interlocked.Decrement(ref _failures) >= 0 ? 503 : 204;
                context.Response.Close();
            }
        }
        catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    internal sealed record Call(string Id, string Timestamp, string Signature, string Body)
    {
        public bool IsSignedWith(string secret)
        {
            var hash = HMACSHA256.HashData(Convert.FromBase64String(secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.{Body}"));
            return Signature == $"v1,{Convert.ToBase64String(hash)}";
        }
    }
}
