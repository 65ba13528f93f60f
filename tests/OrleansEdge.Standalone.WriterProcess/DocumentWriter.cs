using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansEdge.Model;
using OrleansEdge.Standalone.ControlPlane;

namespace OrleansEdge.Standalone.WriterProcess;

/// <summary>Puts and deletes documents on a data directory as fast as it can, until it is killed. Prints each change before it asks for it
/// ("try NAME SECONDS") and after it was acknowledged ("done NAME SECONDS VERSION"); 0 seconds stand for a deletion.</summary>
internal static class DocumentWriter
{
    public static async Task RunAsync(string folder, int seed)
    {
        var random = new Random(seed);
        using var plane = new FileControlPlane(folder, TimeProvider.System, NullLogger<FileControlPlane>.Instance, DocumentLimits.Widest, new NoGateway());
        await plane.Tenants.PutAsync("acme", """{ "tenant": "acme" }"""u8.ToArray(), new(IfNoneMatch: true), "writer", CancellationToken.None);
        Console.WriteLine("ready");
        for (var seconds = 1; ; seconds++)
        {
            var name = $"{(char)('a' + random.Next(5))}.example.com";
            var isDeletion = random.Next(8) == 0;
            Console.WriteLine($"try {name} {(isDeletion ? 0 : seconds)}");
            if (isDeletion)
            {
                var deleted = await plane.Domains.DeleteAsync(name, default, "writer", CancellationToken.None);
                Console.WriteLine(deleted.Failure is null ? $"done {name} 0 {deleted.Value}" : $"refused {name} {deleted.Failure.Code}");
            }
            else
            {
                var json = $$"""{ "domain": "{{name}}", "tenant": "acme", "origins": [ { "address": "10.0.0.5" } ], "webSocket": { "timeoutSeconds": {{seconds}} } }""";
                var put = await plane.Domains.PutAsync(name, Encoding.UTF8.GetBytes(json), default, "writer", CancellationToken.None);
                Console.WriteLine($"done {name} {seconds} {put.Value.Version}");
            }
        }
    }
}
