using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using OrleansEdge.Testing;

namespace OrleansEdge.Standalone.Tests.Host;

/// <summary>A collector: takes metrics by OTLP, as http/protobuf over HTTP/1.1 or as gRPC over HTTP/2 without TLS.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private const string GrpcMethod = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    private const int GrpcPrefix = 5;

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<OtlpExport> _exports = new();
    private readonly SemaphoreSlim _arrived = new(0);

    private OtlpReceiver(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public static async Task<OtlpReceiver> StartAsync(bool grpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listen => listen.Protocols = grpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        var receiver = new OtlpReceiver(builder.Build());
        receiver._app.Run(context => (context.Request.Path.Value, context.Request.ContentType) switch
        {
            ("/v1/metrics", "application/x-protobuf") => receiver.TakeAsync(context),
            (GrpcMethod, "application/grpc") => receiver.TakeGrpcAsync(context),
            _ => throw new InvalidOperationException($"{context.Request.Path} with {context.Request.ContentType}"),
        });
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Waits for an export that fits; exports before it are forgotten.</summary>
    public async Task<OtlpExport> WaitAsync(Func<OtlpExport, bool> that)
    {
        using var late = new CancellationTokenSource(OutputLines.DefaultDeadline);
        OtlpExport? last = null;
        while (true)
        {
            try
            {
                await _arrived.WaitAsync(late.Token);
            }
            catch (OperationCanceledException missing)
            {
                throw new TimeoutException($"The metrics that were waited for did not come. Last export:\n{last}", missing);
            }

            Assert.True(_exports.TryDequeue(out last));
            if (that(last))
            {
                return last;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _arrived.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        Add(await ReadAsync(context));
        context.Response.ContentType = "application/x-protobuf";
    }

    private async Task TakeGrpcAsync(HttpContext context)
    {
        var message = await ReadAsync(context);
        Assert.Equal(0, message[0]);
        Assert.Equal(message.Length - GrpcPrefix, BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(1)));
        Add(message[GrpcPrefix..]);
        context.Response.ContentType = "application/grpc";
        context.Response.DeclareTrailer("grpc-status");
        await context.Response.Body.WriteAsync(new byte[GrpcPrefix]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private void Add(byte[] request)
    {
        _exports.Enqueue(OtlpExport.Parse(request));
        _arrived.Release();
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }
}
