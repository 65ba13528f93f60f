using OrleansEdge.Relay.Tests.Metering;
using OrleansEdge.Relay.Tests.Transport;

namespace OrleansEdge.Relay.Tests;

/// <summary>The program of these tests: what must not happen in the test host, one thing for each first argument.</summary>
internal static class TestProgram
{
    public static async Task<int> Main(string[] args)
    {
        try
        {
            switch (args)
            {
                case [OutOfDescriptors.Argument]:
                    await OutOfDescriptors.RunAsync();
                    return 0;
                case [EndlessCounter.Argument, var folder]:
                    EndlessCounter.Run(folder);
                    return 0;
                default:
                    await Console.Error.WriteLineAsync($"usage: {OutOfDescriptors.Argument} | {EndlessCounter.Argument} FOLDER");
                    return 2;
            }
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync(e.ToString());
            return 1;
        }
    }
}
