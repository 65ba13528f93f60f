// Writes as fast as it can what the edge stores, until it is killed by the test that started it.
using System.Globalization;
using OrleansEdge.Standalone.WriterProcess;

switch (args)
{
    case ["usage", var folder, var seed, var hour]:
        await UsageWriter.RunAsync(folder, int.Parse(seed, CultureInfo.InvariantCulture), int.Parse(hour, CultureInfo.InvariantCulture));
        break;
    case [var folder, var seed]:
        await DocumentWriter.RunAsync(folder, int.Parse(seed, CultureInfo.InvariantCulture));
        break;
}
