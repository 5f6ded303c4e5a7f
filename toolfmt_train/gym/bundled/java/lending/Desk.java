package lending;

import java.time.LocalDate;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Where books are lent and given back. */
public final class Desk {
    private static final Logger LOGGER = Logger.getLogger(Desk.class.getName());
    private static final int DAYS = 28;

    private final Catalogue catalogue;
    private final Map<String, Integer> lentTo = new TreeMap<>();

    public Desk(Catalogue catalogue) {
        this.catalogue = catalogue;
        catalogue.listen(book -> LOGGER.log(Level.FINE, "new: {0}", book));
    }

    public LocalDate lend(String number, String reader) {
        int count = lentTo.getOrDefault(reader, 0);
        if (count >= 5) {
            throw new IllegalStateException(reader + " has five books");
        }
        LocalDate due = LocalDate.now().plusDays(DAYS);
        try {
            catalogue.get(number).lend(reader, due);
        } catch (IllegalStateException error) {
            LOGGER.log(Level.WARNING, "not lent", error);
            throw error;
        }
        lentTo.put(reader, count + 1);
        LOGGER.info("lent " + number);
        return due;
    }

    public void giveBack(String number, String reader) {
        Book book = catalogue.get(number);
        if (!book.isLent()) {
            LOGGER.warning("LOGGER.info is enough here: " + book);
            return;
        }
        book.giveBack();
        lentTo.computeIfPresent(reader, (name, count) -> count > 1 ? count - 1 : null);
        LOGGER.info("given back: " + number);
    }
}
