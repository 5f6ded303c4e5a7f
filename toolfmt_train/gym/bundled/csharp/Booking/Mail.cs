using System;
using System.IO;
using System.Threading.Tasks;

namespace Booking
{
    public interface IMailer
    {
        Task SendAsync(string to, string text);
    }

    public class BookingException : Exception
    {
        public BookingException(string message, Room room)
            : base(message)
        {
            Room = room;
        }

        public Room Room { get; }
    }

    public sealed class MailException : Exception
    {
        public MailException(string message, Exception inner)
            : base(message, inner)
        {
        }
    }

    /// <summary>Writes mails to a folder. Console.WriteLine is for programs, not for this.</summary>
    public sealed class FolderMailer : IMailer
    {
        private readonly string folder;

        public FolderMailer(string folder)
        {
            this.folder = folder;
            Directory.CreateDirectory(folder);
        }

        public async Task SendAsync(string to, string text)
        {
            if (string.IsNullOrWhiteSpace(to))
            {
                throw new ArgumentException("to whom?", nameof(to));
            }
            var path = Path.Combine(folder, Guid.NewGuid().ToString("N") + ".txt");
            try
            {
                await File.WriteAllTextAsync(path, $"To: {to}\n\n{text}\n");
                Console.WriteLine(path);
            }
            catch (IOException error)
            {
                throw new MailException("cannot write " + path, error);
            }
        }
    }
}
