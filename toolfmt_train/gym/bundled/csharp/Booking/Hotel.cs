using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

namespace Booking
{
    public sealed class Hotel
    {
        private readonly List<Room> rooms = new List<Room>();
        private readonly IMailer mailer;

        public Hotel(IMailer mailer)
        {
            this.mailer = mailer ?? throw new ArgumentNullException(nameof(mailer));
        }

        public void Add(Room room)
        {
            if (rooms.Any(other => other.Name == room.Name))
            {
                throw new ArgumentException("two rooms of one name: " + room.Name);
            }
            rooms.Add(room);
        }

        public Room Find(int beds, DateTime from, int nights)
        {
            return rooms
                .Where(room => room.Beds >= beds && room.IsFree(from, nights))
                .OrderBy(room => room.Beds)
                .FirstOrDefault();
        }

        public async Task<Room> BookAsync(string guest, int beds, DateTime from, int nights)
        {
            var room = Find(beds, from, nights);
            if (room == null)
            {
                // Without "await mailer.SendAsync(...)" the guest would never know.
                await mailer.SendAsync(guest, "Leider ausgebucht");
                return null;
            }
            room.Take(from, nights);
            try
            {
                await mailer.SendAsync(guest, $"Zimmer {room} für {nights} Nächte");
            }
            catch (MailException error)
            {
                Console.WriteLine($"not sent: {error.Message}");
                room.Release(from, nights);
                throw;
            }
            return room;
        }
    }
}
